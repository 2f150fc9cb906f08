//! Checks of a set-up: whether `serve` could run with it, here and now.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use lastword_collector::admin;
use lastword_collector::auth::KeyFile;
use lastword_collector::config::Settings;
use lastword_collector::query::{Moment, QueryError, Reader};
use lastword_collector::{Config, tls};
use tokio::net::TcpListener;

use super::{Check, forward, remote};
use crate::flags::setup::{InForce, Setup};
use crate::limits::{CERTIFICATE_WARNING, DISK_LOW_BYTES, DISK_NONE_BYTES, FILES_BESIDE_CONNECTIONS};
use crate::source::aside;

/// A moment that no clock which is set is before: 2026-01-01.
const EARLIEST_US: i64 = 1_767_225_600_000_000;

/// Checks all of it, the configuration first: without it nothing else is known.
pub(super) async fn check(setup: &Setup) -> Vec<Check> {
    let in_force = match setup.load() {
        Ok(in_force) => in_force,
        Err(error) => {
            let advice = "mend it; `lastword config example` shows every key";
            return vec![Check::wrong("config", error.to_string(), advice)];
        }
    };
    let settings = &in_force.loaded.settings;
    let file = in_force.loaded.file.as_ref();
    let said = file.map_or_else(|| "no file, so defaults".to_owned(), |file| file.display().to_string());
    let mut checks = vec![Check::ok("config", said)];
    checks.extend(data(&in_force.data));
    #[cfg(unix)]
    checks.extend([space(&in_force.data), files(settings, in_force.data.as_path())]);
    if settings.store.is_some() {
        let found = aside(|| admin::check_store(settings));
        checks.extend(found.into_iter().map(|finding| Check::of("store", finding)));
    } else {
        checks.push(store(&in_force.data));
    }
    let found = admin::check_stream(settings, &in_force.data).await;
    checks.extend(found.into_iter().map(|finding| Check::of("stream", finding)));
    checks.extend(admin::check_blobs(settings).await.map(|finding| Check::of("blobs", finding)));
    checks.push(clock());
    checks.extend([keys(&in_force), certificate(settings)]);
    checks.extend(forward::check(&settings.forward).await);
    checks.extend(port(settings).await);
    checks
}

/// What is there of a path: itself, or the nearest above it, in which it will be made.
fn existing(path: &Path) -> &Path {
    let there = path.ancestors().filter(|path| !path.as_os_str().is_empty()).find(|path| path.exists());
    there.unwrap_or(Path::new("."))
}

fn data(dir: &Path) -> Vec<Check> {
    let shown = dir.display();
    let place = existing(dir);
    let probe = place.join(format!(".lastword-doctor-{}", std::process::id()));
    let written =
        File::create_new(&probe).and_then(|mut file| file.write_all(b"doctor").and_then(|()| file.sync_all()));
    // It is gone, or never was.
    let _ = fs::remove_file(&probe);
    let mut checks = vec![match written {
        Ok(()) if dir.is_dir() => Check::ok("data", format!("{shown} can be written")),
        Ok(()) => Check::ok("data", format!("{shown} is not there yet and can be made")),
        Err(error) => Check::wrong(
            "data",
            format!("{shown} can't be written: {error}"),
            "give it to the user that runs the collector, or name another one with `--data`",
        ),
    }];
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(dir).map_or(0, |metadata| metadata.permissions().mode() & 0o077);
        if mode != 0 {
            let found = format!("{shown} is open to other users of this machine");
            checks.push(Check::warning("data", found, format!("chmod 700 {shown}")));
        }
    }
    #[cfg(target_os = "linux")]
    checks.extend(disk(dir));
    checks
}

/// What is in memory is gone with the machine, and locks over a network are a matter of trust.
#[cfg(target_os = "linux")]
fn disk(dir: &Path) -> Option<Check> {
    const MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    const NETWORK: [u32; 4] = [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b];
    let kind = rustix::fs::statfs(existing(dir)).ok()?.f_type;
    // The constants have 32 bits, whatever the platform's type has.
    let kind = u32::try_from(kind & 0xffff_ffff).ok()?;
    let shown = dir.display();
    if MEMORY.contains(&kind) {
        let found = format!("{shown} is in memory (tmpfs): what is stored is gone when the machine is");
        return Some(Check::warning("disk", found, "name a directory on a disk with `--data`"));
    }
    if NETWORK.contains(&kind) {
        let found = format!("{shown} is on a file system of another machine, whose locks and `fsync` may not hold");
        return Some(Check::warning("disk", found, "name a directory on a disk of this machine with `--data`"));
    }
    Some(Check::ok("disk", "a file system of this machine"))
}

#[cfg(unix)]
fn space(dir: &Path) -> Check {
    match rustix::fs::statvfs(existing(dir)) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let found = format!("{} MiB free", free >> 20);
            if free < DISK_NONE_BYTES {
                Check::wrong("space", found, "make room: the collector answers 503 when nothing can be stored")
            } else if free < DISK_LOW_BYTES {
                Check::warning("space", found, "make room, or bound the store with `limits.store_bytes_max`")
            } else {
                Check::ok("space", found)
            }
        }
        Err(error) => Check::warning("space", format!("it is not known how much is free: {error}"), "look at the disk"),
    }
}

/// A connection is a file, and so are the database and its log.
#[cfg(unix)]
fn files(settings: &Settings, data: &Path) -> Check {
    let connections = Config::with_settings(data, settings.clone()).connections();
    let needed = connections as u64 + FILES_BESIDE_CONNECTIONS;
    let may = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match may {
        Some(may) if may < needed => Check::warning(
            "files",
            format!("{may} files may be open, and {connections} connections need {needed}"),
            format!("`ulimit -n {needed}`, `LimitNOFILE={needed}` in the unit, or fewer `limits.connections_max`"),
        ),
        _ => Check::ok("files", format!("enough for {connections} connections")),
    }
}

fn store(dir: &Path) -> Check {
    let file = dir.join("lastword.db");
    if !file.is_file() {
        return Check::ok("store", "nothing is stored yet");
    }
    let lock = File::open(dir.join("lock")).map(|lock| lock.try_lock());
    let is_open = matches!(lock, Ok(Err(TryLockError::WouldBlock)));
    let by = if is_open { ", and a collector runs on it" } else { "" };
    match Reader::open(dir) {
        Ok(_) => Check::ok("store", format!("of this version's format{by}")),
        Err(error) => {
            let advice = match error {
                QueryError::TooOld { .. } => "start `lastword serve` of this version once: it brings it up to date",
                QueryError::TooNew { .. } => "use the `lastword` that wrote it, or a newer one",
                _ if File::open(&file).is_err() => "give it to the user that runs the collector, and ask as that one",
                _ => "`lastword store verify` says what is wrong; `lastword store restore` puts a backup there",
            };
            Check::wrong("store", format!("it can't be read: {error}{by}"), advice)
        }
    }
}

fn clock() -> Check {
    let now = Moment::now();
    if now.as_micros() < EARLIEST_US {
        return Check::wrong("clock", format!("it says {now}"), "set it: `timedatectl set-ntp true`");
    }
    Check::ok("clock", now.to_string())
}

fn keys(in_force: &InForce) -> Check {
    let settings = &in_force.loaded.settings;
    let is_public = !settings.listen.ip().to_canonical().is_loopback();
    let of_environment = std::env::var_os("LASTWORD_KEYS").is_some_and(|keys| !keys.is_empty());
    let Some(path) = &settings.keys else {
        return match (is_public, of_environment, settings.insecure_public) {
            (_, true, _) => Check::ok("keys", "in LASTWORD_KEYS"),
            (false, ..) => Check::ok("keys", "none, so only this machine gets in"),
            (true, _, true) => Check::warning(
                "keys",
                format!("none are asked for, and {} can be reached by others", settings.listen),
                "fine in a closed network only: `lastword keys new` makes a key",
            ),
            (true, _, false) => Check::wrong(
                "keys",
                format!("none, and {} can be reached by others: `serve` refuses to start", settings.listen),
                "`lastword keys new --scope ingest --name NAME`, or `--listen 127.0.0.1:4318`",
            ),
        };
    };
    let shown = path.display();
    match KeyFile::read(path) {
        Err(error) => {
            Check::wrong("keys", error.to_string(), "`lastword keys new --scope ingest --name NAME` begins one")
        }
        Ok(file) => {
            let count = file.keys().count();
            match others(path) {
                Some((true, _)) => {
                    Check::wrong("keys", format!("{shown} can be written by other users"), format!("chmod 600 {shown}"))
                }
                Some((_, true)) => {
                    let found = format!("{shown} can be read by other users; it has hashes only");
                    Check::warning("keys", found, format!("chmod 600 {shown}"))
                }
                _ if count == 0 => Check::warning(
                    "keys",
                    format!("{shown} has none, so nobody gets in"),
                    "`lastword keys new --scope ingest --name NAME`",
                ),
                _ => Check::ok("keys", format!("{count} in {shown}")),
            }
        }
    }
}

/// Whether other users may write a file, and whether they may read it.
#[cfg(unix)]
fn others(path: &Path) -> Option<(bool, bool)> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    Some((mode & 0o022 != 0, mode & 0o004 != 0))
}

#[cfg(not(unix))]
fn others(_: &Path) -> Option<(bool, bool)> {
    None
}

fn certificate(settings: &Settings) -> Check {
    let found = match tls::check(&settings.tls) {
        Err(error) => return Check::wrong("tls", error.to_string(), "name a certificate and its key, both in PEM"),
        Ok(None) if settings.listen.ip().to_canonical().is_loopback() => return Check::ok("tls", "none, on loopback"),
        Ok(None) => {
            let found = "none: keys and events go over the network as they are";
            return Check::warning(
                "tls",
                found,
                "set `tls.cert` and `tls.key`, or put a proxy before it that speaks TLS",
            );
        }
        Ok(Some(found)) => found,
    };
    let Some(until) = found.until_us.map(Moment::from_micros) else {
        return Check::warning("tls", "it is not known until when the certificate is valid", "look at it with openssl");
    };
    let now_us = Moment::now().as_micros();
    let warning_us = i64::try_from(CERTIFICATE_WARNING.as_micros()).unwrap_or(i64::MAX);
    if until.as_micros() < now_us {
        Check::wrong("tls", format!("the certificate ended on {until}"), "renew it, then `kill -HUP` the collector")
    } else if until.as_micros() < now_us.saturating_add(warning_us) {
        Check::warning("tls", format!("the certificate ends on {until}"), "renew it, then `kill -HUP` the collector")
    } else {
        Check::ok("tls", format!("valid until {until}"))
    }
}

/// Whether the address is free, or has a collector on it that is then looked at.
async fn port(settings: &Settings) -> Vec<Check> {
    let address = settings.listen;
    match TcpListener::bind(address).await {
        Ok(_) => vec![Check::ok("port", format!("{address} is free"))],
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let scheme = if settings.tls.cert.is_some() { "https" } else { "http" };
            let near = if address.ip().is_unspecified() {
                format!("127.0.0.1:{}", address.port())
            } else {
                address.to_string()
            };
            let Ok(url) = format!("{scheme}://{near}").parse() else { return Vec::new() };
            let mut checks = vec![Check::ok("port", format!("something listens on {address}"))];
            checks.extend(remote::check(&url, false).await);
            checks
        }
        Err(error) => vec![Check::wrong(
            "port",
            format!("{address} can't be listened on: {error}"),
            "name another one with `--listen`; one below 1024 takes CAP_NET_BIND_SERVICE",
        )],
    }
}
