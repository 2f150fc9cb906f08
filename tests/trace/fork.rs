//! Ids in a fork of a process.

#![allow(unsafe_code)]

use std::io::Read;
use std::os::fd::AsRawFd;

use crate::support::seen;

#[test]
fn a_fork_draws_other_ids_than_its_parent() {
    let seen = seen();
    seen.reporter.trace("before").end();
    let (mut reader, writer) = std::io::pipe().unwrap();
    // SAFETY: the child makes a text, writes it, and ends at once, without running what stands at the end of a process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let text = seen.reporter.trace("in the fork").context().unwrap().traceparent();
        // SAFETY: the bytes are there, and so is the other end.
        unsafe {
            libc::write(writer.as_raw_fd(), text.as_ptr().cast(), text.len());
            libc::_exit(0);
        }
    }
    drop(writer);
    let own = seen.reporter.trace("in the parent").context().unwrap().traceparent();
    let mut theirs = String::new();
    reader.read_to_string(&mut theirs).unwrap();
    // SAFETY: it is our child, and nobody else waits for it.
    unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    assert_eq!((own.len(), theirs.len()), (55, 55));
    assert_ne!(own[..52], theirs[..52]);
}
