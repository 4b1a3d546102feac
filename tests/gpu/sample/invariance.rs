//! A row's token depends on the row alone.

use super::{Case, Way, cases};
use crate::data::{Words, gpu};

#[test]
fn of_neighbours_place_and_batch() {
    let mut words = Words(40);
    let cases = cases(&mut words, 1777);
    let alone: Vec<_> = cases.iter().map(|c| Way::default().draw(gpu(), std::slice::from_ref(c)).remove(0)).collect();
    let tokens = |drawn: &[weighbridge::sample::Drawn]| drawn.iter().map(|d| (d.tokens.clone(), d.kept)).collect::<Vec<_>>();

    let together = Way::default().draw(gpu(), &cases);
    assert_eq!(tokens(&together), tokens(&alone));

    let mut order: Vec<usize> = (0..cases.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, (words.next() % (i as u64 + 1)) as usize);
    }
    let shuffled: Vec<Case> = order.iter().map(|i| cases[*i].clone()).collect();
    let shuffled = Way::default().draw(gpu(), &shuffled);
    assert_eq!(tokens(&shuffled), order.iter().map(|i| tokens(&alone[*i..*i + 1]).remove(0)).collect::<Vec<_>>());

    // 64 rows of which one is ours, and a vocabulary of which a part is ours.
    for (i, case) in cases.iter().enumerate().step_by(5) {
        let mut mates: Vec<Case> = (0..64).map(|j| cases[(i + j) % cases.len()].clone()).collect();
        mates[17] = case.clone();
        assert_eq!(tokens(&Way::default().draw(gpu(), &mates)[17..18]), tokens(&alone[i..i + 1]), "{i}");
        let mut padded = case.clone();
        padded.row.resize(2003, f32::NEG_INFINITY);
        assert_eq!(tokens(&Way::default().draw(gpu(), &[padded])), tokens(&alone[i..i + 1]), "{i}");
    }
}
