//! `lastword store export`: what is stored, for other programs.

use std::io::{self, IsTerminal, Write};

use crate::error::Error;
use crate::flags::store::{ExportArgs, Format};
use crate::limits::PAGE_ROWS;
use crate::output::file::WholeFile;
#[cfg(feature = "parquet")]
use crate::output::parquet;
use crate::output::progress::Progress;
use crate::output::{Output, note, otlp};
use crate::source::{Listing, Order, Page, Source};

/// What is written of pages of events.
enum Writer {
    Jsonl(Output),
    OtlpJson(Output),
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::Writer>),
}

impl Writer {
    fn new(format: Format, out: Box<dyn Write + Send>) -> Result<Self, Error> {
        match format {
            Format::Jsonl => Ok(Self::Jsonl(Output::into(out))),
            Format::OtlpJson => Ok(Self::OtlpJson(Output::into(out))),
            #[cfg(feature = "parquet")]
            Format::Parquet => Ok(Self::Parquet(Box::new(parquet::Writer::new(out)?))),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err(Error::NoParquet),
        }
    }

    fn add(&mut self, page: &Page) -> Result<(), Error> {
        match self {
            Self::Jsonl(output) => page.rows.iter().try_for_each(|event| output.json(event)),
            Self::OtlpJson(output) => otlp::documents(&page.rows).iter().try_for_each(|all| output.object(all)),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => page.rows.iter().try_for_each(|event| writer.add(event)),
        }
    }

    fn finish(self) -> Result<(), Error> {
        match self {
            Self::Jsonl(mut output) | Self::OtlpJson(mut output) => output.flush(),
            #[cfg(feature = "parquet")]
            Self::Parquet(writer) => writer.finish(),
        }
    }
}

/// Exports.
///
/// # Errors
///
/// The store can't be read, or the file or the output can't be written: under the file's name is then what was there before.
pub(super) async fn run(args: ExportArgs) -> Result<(), Error> {
    if args.format == Format::Parquet && args.output.is_none() && io::stdout().is_terminal() {
        return Err(Error::NotForTerminals);
    }
    // What is no file (a pipe, a device) is written to, whatever it holds.
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.is_file()) {
        return Err(Error::Exists(path.clone()));
    }
    let source = Source::open(args.place.place()?)?;
    let listing = Listing::Events { filter: args.filter, order: Order::Ascending };
    let file = args.output.map(WholeFile::create).transpose()?;
    let (out, mut progress): (Box<dyn Write + Send>, _) = match &file {
        Some(file) => (Box::new(file.writer()?), Progress::before_output("events")),
        None => (Box::new(io::stdout()), Progress::new("events")),
    };
    let mut writer = Writer::new(args.format, out)?;
    let (mut cursor, mut is_empty) = (None, true);
    loop {
        let page = source.page(&listing, cursor.as_deref(), PAGE_ROWS).await?;
        writer.add(&page)?;
        progress.add(page.rows.len());
        is_empty &= page.rows.is_empty();
        cursor = page.next;
        if cursor.is_none() {
            writer.finish()?;
            drop(progress);
            if is_empty {
                note("nothing was exported: no event is stored that was asked for");
            }
            return file.map_or(Ok(()), WholeFile::finish);
        }
    }
}
