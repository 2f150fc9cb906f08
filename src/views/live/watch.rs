//! A dashboard that is drawn again and again.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::Live;
use crate::limits::LIVE_REFRESH_MIN;

/// A dashboard that is drawn again and again, until this is dropped.
#[derive(Debug)]
#[must_use = "drawing ends as soon as it is dropped"]
pub struct Watch {
    /// Dropped to say that it is to end.
    ends: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Live {
    /// Draws the dashboard at once and then every `interval` (one second is usual; 20 ms at the least), `width` columns wide, and hands each
    /// drawing to `show`, on a thread of its own. Clearing the screen is up to `show`: a terminal does so for `"\x1bc"`.
    ///
    /// # Errors
    ///
    /// There can't be another thread.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    /// use lastword::views::Live;
    ///
    /// let (sent, shown) = mpsc::channel();
    /// let watch = Live::new().watch(Duration::from_millis(20), 80, move |text| drop(sent.send(text.to_owned())))?;
    /// assert!(shown.recv_timeout(Duration::from_secs(60)).unwrap().contains("Overview"));
    /// watch.stop();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn watch(
        &self,
        interval: Duration,
        width: usize,
        mut show: impl FnMut(&str) + Send + 'static,
    ) -> io::Result<Watch> {
        let (ends, ended) = mpsc::channel::<()>();
        let live = self.clone();
        let interval = interval.max(LIVE_REFRESH_MIN);
        let draw = move || {
            loop {
                show(&live.render(width));
                if ended.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("lastword-watch".to_owned()).spawn(draw)?;
        Ok(Watch { ends: Some(ends), thread: Some(thread) })
    }
}

impl Watch {
    /// Ends the drawing, and waits for one that is under way.
    pub fn stop(mut self) {
        self.ends = None;
        if let Some(thread) = self.thread.take() {
            // What `show` panicked with was printed by its own thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Not waited for: whoever drops it may hold what `show` waits for.
        self.ends = None;
    }
}
