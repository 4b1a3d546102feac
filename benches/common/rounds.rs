//! Timing that criterion and our own tables share.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};

/// Times `work`, which moves `bytes`, under `group/function`; the median of its rounds, none where it is filtered out.
pub fn median(criterion: &mut Criterion, name: &str, bytes: u64, mut work: impl FnMut()) -> Option<Duration> {
    let mut rounds = Vec::new();
    let (group, function) = name.split_once('/').unwrap_or((name, "1"));
    let mut group = criterion.benchmark_group(group);
    group.throughput(Throughput::Bytes(bytes)).sample_size(10);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.bench_function(function, |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = Duration::ZERO;
            for _ in 0..iterations {
                let start = Instant::now();
                work();
                let took = start.elapsed();
                rounds.push(took);
                total += took;
            }
            total
        });
    });
    rounds.sort();
    rounds.get(rounds.len() / 2).copied()
}
