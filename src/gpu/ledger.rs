//! The list of every buffer alive: what it is for, how many bytes were asked for, and the most that ever lived at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// One line of the ledger: a buffer that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `class/part`, for example `attention/query.codes`.
    pub label: String,
    /// Bytes asked for.
    pub bytes: u64,
}

impl Line {
    /// The class: what stands before the first `/`.
    #[must_use]
    pub fn class(&self) -> &str {
        self.label.split('/').next().unwrap_or(&self.label)
    }
}

/// Counts buffers; clones share one book.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
}

#[derive(Debug, Default)]
struct Book {
    next: u64,
    live: BTreeMap<u64, Line>,
    bytes: u64,
    peak: u64,
}

impl Ledger {
    /// Enters a buffer; the line is struck when the returned entry is dropped.
    #[must_use]
    pub fn enter(&self, label: &str, bytes: u64) -> Entry {
        let mut book = self.lock();
        let id = book.next;
        book.next += 1;
        book.live.insert(id, Line { label: label.to_owned(), bytes });
        book.bytes += bytes;
        book.peak = book.peak.max(book.bytes);
        Entry { ledger: self.clone(), id }
    }

    /// Bytes alive now.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// The most bytes that were alive at once since the start or [`Ledger::reset_peak`].
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.lock().peak
    }

    /// Starts a new high-water mark at what is alive now.
    pub fn reset_peak(&self) {
        let mut book = self.lock();
        book.peak = book.bytes;
    }

    /// The buffers alive, in the order in which they were made.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lock().live.values().cloned().collect()
    }

    /// Bytes alive per class.
    #[must_use]
    pub fn by_class(&self) -> BTreeMap<String, u64> {
        let mut classes = BTreeMap::new();
        for line in self.lock().live.values() {
            *classes.entry(line.class().to_owned()).or_default() += line.bytes;
        }
        classes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        // The book is whole after every method, also where a thread panicked between two of them.
        self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Keeps a line on the ledger for as long as it lives.
#[derive(Debug)]
pub struct Entry {
    ledger: Ledger,
    id: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut book = self.ledger.lock();
        if let Some(line) = book.live.remove(&self.id) {
            book.bytes -= line.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_lives_and_the_most_that_lived() {
        let ledger = Ledger::default();
        let a = ledger.enter("attention/codes", 100);
        let b = ledger.enter("staging/upload", 50);
        drop(b);
        let c = ledger.enter("attention/scales", 7);
        assert_eq!((ledger.live_bytes(), ledger.peak_bytes()), (107, 150));
        assert_eq!(ledger.by_class(), BTreeMap::from([("attention".to_owned(), 107)]));
        drop(a);
        ledger.reset_peak();
        assert_eq!((ledger.live_bytes(), ledger.peak_bytes()), (7, 7));
        assert_eq!(ledger.lines(), [Line { label: "attention/scales".into(), bytes: 7 }]);
        drop(c);
        assert!(ledger.lines().is_empty());
    }
}
