//! Work distributed over several runs on one store: each item is done by one of them.

use crate::error::Result;
use crate::pipeline::parallel::each;
use crate::store::Store;

/// Does the work on every item, on `jobs` threads, and returns the results in the order of the items. Items on which another run
/// is working are postponed; once only such items are left, it waits for the first. `work` must therefore check what is already done.
pub fn distribute<T: Sync, R: Send>(
    store: &Store,
    items: &[T],
    jobs: usize,
    name: impl Fn(&T) -> String + Sync,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let mut pending: Vec<usize> = (0..items.len()).collect();
    while let Some(&first) = pending.first() {
        let done = each(&pending, jobs, |&index| match store.try_work(&name(&items[index]))? {
            Some(_lock) => work(&items[index]).map(Some),
            None => Ok(None),
        })?;
        let before = pending.len();
        for (&index, result) in pending.iter().zip(done) {
            results[index] = result;
        }
        pending.retain(|&index| results[index].is_none());
        if pending.len() == before {
            drop(store.wait_for_work(&name(&items[first]))?);
        }
    }
    Ok(results.into_iter().flatten().collect())
}
