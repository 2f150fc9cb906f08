//! `lastword metrics`: the figures of everything, and the program's own metrics.

use lastword::views::{Dashboard, PROMETHEUS_PREFIX, View, prometheus};

use super::fold::{fold, over};
use crate::error::Error;
use crate::flags::metrics::MetricsArgs;
use crate::output::{Output, metrics};

/// Shows metrics.
///
/// # Errors
///
/// The source can't be read or the output can't be written.
pub(crate) async fn run(args: MetricsArgs) -> Result<(), Error> {
    let mut dashboard = Dashboard::default();
    fold(args.source.origin()?, args.range.into(), |_, event| dashboard.apply(event)).await?;
    let now = over(&dashboard);
    let mut output = Output::stdout();
    if args.json {
        output.object(&dashboard.export(now))?;
    } else if args.prometheus {
        output.bytes(prometheus(&dashboard, now, PROMETHEUS_PREFIX).as_bytes())?;
    } else {
        for mut line in metrics::lines(output.look(), &dashboard, now) {
            output.line(&line.finish())?;
        }
    }
    output.flush()
}
