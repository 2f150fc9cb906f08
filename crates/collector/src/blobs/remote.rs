//! The object store itself: S3, or a directory.
//!
//! It has a thread of its own with a runtime on it, so that it can be used from any thread, whether that may block or not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::guard::Guard;
use super::{Address, Away, Doomed, OpenBlobsError, Pins, Unread, Value, advice, hash_in, hash_of, name_in, path_of};
use crate::limits::{
    BLOB_ATTEMPT_TIMEOUT, BLOB_CONNECT_TIMEOUT, BLOB_GETS_AT_ONCE, BLOB_PATIENCE, BLOB_PUTS_AT_ONCE, BLOB_PUTS_MAX,
    BLOB_READ_TIMEOUT, BLOB_RETRIES, BLOBS_AT_ONCE, BLOBS_READ_BYTES,
};
use crate::stats::Blobbing;

/// An object store, and what this process knows of it. A clone is the same one.
#[derive(Clone, Debug)]
pub(crate) struct Blobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    objects: Box<dyn ObjectStore>,
    /// What all names begin with.
    below: Path,
    shown: String,
    /// Whether it is S3, or a directory.
    is_s3: bool,
    runtime: Handle,
    /// The thread ends when it is dropped.
    _stop: oneshot::Sender<()>,
    /// Values that may be put at once.
    turns: Semaphore,
    guard: Arc<Guard>,
    read: Mutex<Read>,
    counted: Blobbing,
}

/// What was read lately.
#[derive(Debug, Default)]
struct Read {
    texts: HashMap<Box<str>, Arc<str>>,
    bytes: usize,
}

impl Blobs {
    /// Opens a place for the values of the store of this name. Nothing is asked of it yet.
    ///
    /// # Errors
    ///
    /// It can't be what is said.
    pub(crate) fn open(address: &Address, endpoint: Option<&str>, store: &str) -> Result<Self, OpenBlobsError> {
        let shown = address.to_string();
        let unusable = |what: String| OpenBlobsError::Unusable { at: shown.clone(), what };
        let (objects, prefix): (Box<dyn ObjectStore>, &str) = match address {
            Address::S3 { bucket, prefix } => {
                (Box::new(s3(bucket, endpoint).map_err(|error| unusable(innermost(&error)))?), prefix)
            }
            Address::Directory(path) => {
                std::fs::create_dir_all(path).map_err(|error| unusable(error.to_string()))?;
                let files = LocalFileSystem::new_with_prefix(path).map_err(|error| unusable(innermost(&error)))?;
                (Box::new(files.with_fsync(true)), "")
            }
        };
        // "store 0123456789abcdef"
        let below = Path::from(prefix).join(store.replace(' ', "-"));
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| unusable(error.to_string()))?;
        let handle = runtime.handle().clone();
        // An error: nobody needs it any more.
        let run = move || drop(runtime.block_on(stopped));
        let thread = std::thread::Builder::new().name("lastword-blobs".to_owned()).spawn(run);
        thread.map_err(|error| unusable(error.to_string()))?;
        Ok(Self(Arc::new(Inner {
            objects,
            below,
            shown,
            is_s3: matches!(address, Address::S3 { .. }),
            runtime: handle,
            _stop: stop,
            turns: Semaphore::new(BLOB_PUTS_MAX),
            guard: Arc::default(),
            read: Mutex::default(),
            counted: Blobbing::default(),
        })))
    }

    /// Returns where it is, without secrets.
    pub(crate) fn shown(&self) -> &str {
        &self.0.shown
    }

    /// Returns what is counted.
    pub(crate) fn counted(&self) -> &Blobbing {
        &self.0.counted
    }

    /// Puts values there. When this returns they are, and stay as long as what it returns does; what names them must be stored by then.
    ///
    /// # Errors
    ///
    /// One of them can't be put there now.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, values may be there that nothing names.
    pub(crate) async fn put(&self, values: Vec<Value>) -> Result<Pins, Away> {
        let inner = Arc::clone(&self.0);
        let mut texts = HashMap::with_capacity(values.len());
        for Value { hash, text } in values {
            texts.insert(hash, text);
        }
        let pins = inner.guard.pin(texts.keys().cloned().collect()).await;
        let new: Vec<_> = texts.into_iter().filter(|(hash, _)| !inner.guard.is_known(hash)).collect();
        let putting = self.0.runtime.spawn(async move {
            let mut puts =
                stream::iter(new).map(|(hash, text)| inner.put(hash, text)).buffer_unordered(BLOB_PUTS_AT_ONCE);
            while let Some(put) = puts.next().await {
                put?;
            }
            drop(puts);
            // Held until no attempt is under way any more, whoever waits for it.
            Ok(pins)
        });
        putting.await.unwrap_or_else(|_| Err(self.0.away("its thread has ended")))
    }

    /// Returns a value of so many bytes. It blocks, for a bounded time.
    ///
    /// # Errors
    ///
    /// It is not there, not what was put there, or the object store does not answer.
    pub(crate) fn get(&self, hash: &str, bytes: usize) -> Result<Arc<str>, Unread> {
        if let Some(text) = self.0.read().texts.get(hash) {
            return Ok(Arc::clone(text));
        }
        let found = self.get_all(vec![(hash.into(), bytes)]).pop();
        found.unwrap_or_else(|| Err(self.0.away("its thread has ended").into()))
    }

    /// Returns values, each of so many bytes, in this order: some are asked for at once. It blocks, for a bounded time.
    pub(crate) fn get_all(&self, wanted: Vec<(Box<str>, usize)>) -> Vec<Result<Arc<str>, Unread>> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let (inner, count) = (Arc::clone(&self.0), wanted.len());
        self.0.runtime.spawn(async move {
            let gets = stream::iter(wanted).map(|(hash, bytes)| inner.get_or_read(hash, bytes));
            // An error: nobody waits any more.
            let _ = tell.send(gets.buffered(BLOB_GETS_AT_ONCE).collect::<Vec<_>>().await);
        });
        told.recv_timeout(BLOB_READ_TIMEOUT)
            .unwrap_or_else(|_| vec![Err(self.0.away("it did not answer in time").into()); count])
    }

    /// Has a value alone, to delete it; `None` while somebody brings it. Whether it is named must be asked after that.
    pub(crate) fn doom(&self, hash: &str) -> Option<Doomed> {
        self.0.guard.doom(hash)
    }

    /// Deletes values, and returns those that are gone.
    ///
    /// # Errors
    ///
    /// None of them could be deleted now. Others may be gone of which it is not known.
    pub(crate) async fn delete(&self, doomed: Vec<Doomed>) -> Result<Vec<Box<str>>, Away> {
        let inner = Arc::clone(&self.0);
        let deleting = self.0.runtime.spawn(async move {
            let deletes = stream::iter(doomed).map(|doomed| {
                let inner = Arc::clone(&inner);
                async move {
                    inner.delete(doomed.hash()).await?;
                    Ok(Box::<str>::from(doomed.hash()))
                }
            });
            let done: Vec<Result<_, Away>> = deletes.buffer_unordered(BLOB_PUTS_AT_ONCE).collect().await;
            let trouble = done.iter().find_map(|done| done.as_ref().err().cloned());
            let gone: Vec<_> = done.into_iter().flatten().collect();
            trouble.filter(|_| gone.is_empty()).map_or(Ok(gone), Err)
        });
        deleting.await.unwrap_or_else(|_| Err(self.0.away("its thread has ended")))
    }

    /// Likewise. It blocks.
    ///
    /// # Errors
    ///
    /// See [`delete`](Self::delete).
    pub(crate) fn delete_now(&self, doomed: Vec<Doomed>) -> Result<Vec<Box<str>>, Away> {
        let this = self.clone();
        self.wait_for(async move { this.delete(doomed).await })
    }

    /// Puts values there, see [`put`](Self::put). It blocks.
    ///
    /// # Errors
    ///
    /// One of them can't be put there now.
    pub(crate) fn put_now(&self, values: Vec<Value>) -> Result<Pins, Away> {
        let this = self.clone();
        self.wait_for(async move { this.put(values).await })
    }

    fn wait_for<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Away>> + Send + 'static,
    ) -> Result<T, Away> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.0.runtime.spawn(async move { drop(tell.send(work.await)) });
        told.recv().unwrap_or_else(|_| Err(self.0.away("its thread has ended")))
    }

    /// Lists all values that were put there before a moment, some at a time.
    pub(crate) fn list(&self, before_us: i64) -> mpsc::Receiver<Result<Vec<Box<str>>, Away>> {
        let (tell, told) = mpsc::channel(1);
        let inner = Arc::clone(&self.0);
        self.0.runtime.spawn(async move {
            let mut some = inner.objects.list(Some(&inner.below)).chunks(BLOBS_AT_ONCE);
            while let Some(found) = some.next().await {
                let found: Result<Vec<_>, Error> = found.into_iter().collect();
                let hashes = found.map_err(|error| inner.failed(&error)).map(|found| {
                    let old = found.into_iter().filter(|object| object.last_modified.timestamp_micros() < before_us);
                    old.filter_map(|object| {
                        let mut parts: Vec<_> = object.location.parts().collect();
                        let file = parts.pop()?;
                        name_in(parts.pop()?.as_ref(), file.as_ref())
                    })
                    .collect()
                });
                if tell.send(hashes).await.is_err() {
                    return;
                }
            }
        });
        told
    }

    /// Tells whether it can be used: that it answers, knows the bucket, and lets us in.
    ///
    /// # Errors
    ///
    /// It can't.
    pub(crate) async fn ping(&self) -> Result<(), Away> {
        let inner = Arc::clone(&self.0);
        let asking = self.0.runtime.spawn(async move {
            // There is nothing below it, so that the answer is small, however many values there are.
            let nothing = inner.below.clone().join("health");
            inner.objects.list_with_delimiter(Some(&nothing)).await.map(drop).map_err(|error| inner.failed(&error))
        });
        asking.await.unwrap_or_else(|_| Err(self.0.away("its thread has ended")))
    }
}

impl Inner {
    fn path(&self, hash: &str) -> Path {
        let (folder, file) = path_of(hash);
        self.below.clone().join(folder).join(file)
    }

    fn away(&self, what: &str) -> Away {
        let advice = if self.is_s3 { advice::REACH } else { advice::DISK };
        Away { found: format!("the object store at {} can't be used: {what}", self.shown), advice }
    }

    fn failed(&self, error: &Error) -> Away {
        let away = self.away(&innermost(error));
        if self.is_s3 { Away { advice: advice::about(error), ..away } } else { away }
    }

    async fn put(&self, hash: Box<str>, text: Box<str>) -> Result<(), Away> {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let bytes = text.len();
        // A value that is there already is the same one.
        match self.objects.put(&self.path(&hash), Bytes::from(String::from(text)).into()).await {
            Ok(_) => {
                self.guard.know(&hash);
                self.counted.puts.add(1);
                self.counted.put_bytes.add(bytes);
                Ok(())
            }
            Err(error) => {
                self.counted.put_failed.add(1);
                Err(self.failed(&error))
            }
        }
    }

    async fn get(&self, hash: &str, bytes: usize) -> Result<Arc<str>, Unread> {
        let failed = |error: Error| match error {
            Error::NotFound { .. } => Unread::Missing,
            error => self.failed(&error).into(),
        };
        let found = self.objects.get(&self.path(hash)).await.map_err(failed)?;
        // One that was made larger than it was must not take our memory.
        if found.meta.size != bytes as u64 {
            return Err(Unread::Changed);
        }
        let text = found.bytes().await.map_err(failed)?;
        let text = std::str::from_utf8(&text).map_err(|_| Unread::Changed)?;
        if *hash_of(text) != *hash_in(hash) {
            return Err(Unread::Changed);
        }
        self.counted.gets.add(1);
        Ok(text.into())
    }

    /// Returns a value that was read lately, or else reads it.
    async fn get_or_read(&self, hash: Box<str>, bytes: usize) -> Result<Arc<str>, Unread> {
        if let Some(text) = self.read().texts.get(&hash) {
            return Ok(Arc::clone(text));
        }
        let text = self.get(&hash, bytes).await;
        match &text {
            Ok(text) => self.keep(hash, text),
            Err(_) => self.counted.get_failed.add(1),
        }
        text
    }

    fn read(&self) -> std::sync::MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, hash: Box<str>, text: &Arc<str>) {
        let mut read = self.read();
        if read.bytes + text.len() > BLOBS_READ_BYTES {
            *read = Read::default();
        }
        read.bytes += text.len();
        read.texts.insert(hash, Arc::clone(text));
    }

    async fn delete(&self, hash: &str) -> Result<(), Away> {
        match self.objects.delete(&self.path(hash)).await {
            Ok(()) => self.counted.deletes.add(1),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(self.failed(&error)),
        }
        Ok(())
    }
}

/// Opens a bucket, as whom the variables `AWS_*` say.
fn s3(bucket: &str, endpoint: Option<&str>) -> Result<impl ObjectStore, Error> {
    // The client takes the provider of the process. A program that has none gets the one that our listener speaks TLS by.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error: another thread was quicker.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    let endpoint = endpoint.map(str::to_owned).or_else(|| variable("AWS_ENDPOINT_URL_S3"));
    let named = endpoint.clone().or_else(|| variable("AWS_ENDPOINT_URL"));
    let is_plain = named.is_some_and(|url| url.starts_with("http://"));
    let options = ClientOptions::new()
        .with_connect_timeout(BLOB_CONNECT_TIMEOUT)
        .with_timeout(BLOB_ATTEMPT_TIMEOUT)
        .with_allow_http(is_plain);
    let retry =
        RetryConfig { backoff: BackoffConfig::default(), max_retries: BLOB_RETRIES, retry_timeout: BLOB_PATIENCE };
    let mut builder =
        AmazonS3Builder::from_env().with_bucket_name(bucket).with_client_options(options).with_retry(retry);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    builder.build()
}

/// Says what is wrong in the words of whoever found it, without the request that it was about.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().lines().next().unwrap_or_default().chars().take(256).collect()
}
