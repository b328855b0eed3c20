//! Work on several threads, with results that do not depend on their number.

use crate::error::{Error, Result};
use crate::pipeline::openblas::reserve;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Does the work on every item, in order but on `jobs` threads, and returns the results in that order. After a failure no
/// further item is begun.
pub fn each<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    reserve(jobs.min(items.len()), 0)?;
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            let result = work(item);
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            if let Ok(mut done) = done.lock() {
                done.push((index, result));
            }
        }
    };
    let panicked = std::thread::scope(|scope| {
        // Where the system gives no more threads, those that it has given do the work.
        let threads: Vec<_> = (0..jobs.min(items.len()))
            .map_while(|_| std::thread::Builder::new().spawn_scoped(scope, worker).ok())
            .collect();
        if threads.is_empty() {
            worker();
        }
        // Every thread is joined, whatever became of the others.
        let ends: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ends.iter().any(std::result::Result::is_err)
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    let results: Vec<R> = done.into_iter().map(|(_, result)| result).collect::<Result<_>>()?;
    if panicked || results.len() < items.len() {
        return Err(Error::defect("worker", "a thread stopped unexpectedly"));
    }
    Ok(results)
}
