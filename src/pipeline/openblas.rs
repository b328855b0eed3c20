//! What OpenBLAS says about itself, and its buffers: no result depends on this file.
#![allow(
    unsafe_code,
    reason = "foreign functions that answer with texts, and with buffers that only they use"
)]

use crate::error::{Error, Result};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

unsafe extern "C" {
    fn openblas_get_config() -> *const c_char;
    fn openblas_get_corename() -> *const c_char;
    fn blas_memory_alloc(position: c_int) -> *mut c_void;
    fn blas_memory_free(buffer: *mut c_void);
}

/// Bytes of the buffer that OpenBLAS keeps for each thread that calls it (128 MB), with the thread's own stack and heap.
pub(crate) const BUFFER: u64 = 200 << 20;
/// Bytes for everything else.
pub(crate) const SPARE: u64 = 128 << 20;
/// How long buffers may take that the system has given before.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes OpenBLAS allocate the buffers for so many threads now; `more` bytes must be there beside them. Where OpenBLAS gets no
/// buffer, it asks again for ever, so that it is asked only once the system has given as much.
///
/// # Errors
/// The system does not give as much.
pub(crate) fn reserve(threads: usize, more: u64) -> Result<()> {
    static BUFFERS: Mutex<usize> = Mutex::new(0);
    let mut there = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    let new = threads.saturating_sub(*there);
    let bytes = (new as u64 * BUFFER).saturating_add(more).saturating_add(SPARE);
    let refused = || {
        let rule = format!(
            "{threads} threads need {} MB of memory, which the system does not give (ulimit -v?); lower --jobs or d",
            bytes >> 20
        );
        Error::parameter("--jobs", threads, rule)
    };
    // One by one, as OpenBLAS asks for them.
    let pieces = std::iter::repeat_n(BUFFER, new).chain([more.saturating_add(SPARE)]);
    let mut given: Vec<Vec<u8>> = Vec::new();
    for bytes in pieces {
        let mut piece = Vec::new();
        piece.try_reserve_exact(usize::try_from(bytes).unwrap_or(usize::MAX)).map_err(|_| refused())?;
        given.push(piece);
    }
    drop(given);
    if new > 0 {
        let (done, wait) = std::sync::mpsc::channel();
        // In a thread, which is left behind should the system have given the memory to others meanwhile.
        let begun = std::thread::Builder::new().spawn(move || {
            // SAFETY: the first function takes a number that only says who asks, and gives a buffer of the library's own, which
            // nobody here reads or writes; the second takes back each of them once. Both lock the library's list of buffers.
            unsafe {
                let buffers: Vec<_> = (0..threads).map(|_| blas_memory_alloc(0)).collect();
                for buffer in buffers {
                    blas_memory_free(buffer);
                }
            }
            done.send(())
        });
        begun.map_err(|_| refused())?;
        wait.recv_timeout(PATIENCE).map_err(|_| refused())?;
        *there = threads;
    }
    Ok(())
}

fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return "unknown".to_owned();
    }
    // SAFETY: OpenBLAS gives null-terminated texts that live as long as the process.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().trim().to_owned()
}

/// Version and build options of the library, and the kernel that it chose for this processor. Read once: OpenBLAS composes
/// its configuration anew at each call, in one static buffer for all threads.
pub(crate) static LIBRARY: LazyLock<(String, String)> = LazyLock::new(|| {
    // SAFETY: both functions take nothing and give a text. `LazyLock` lets one thread run this, once, and nothing else in
    // this program calls them.
    unsafe { (text(openblas_get_config()), text(openblas_get_corename())) }
});
