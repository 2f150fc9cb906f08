//! `lastword top`: what happens now, on the whole screen.
//!
//! Each look reads what is new and nothing else, gives it to the views, and draws: [`board`] is what there is to show,
//! [`app`] what is looked at, [`ui`] how that looks, [`terminal`] where. Nothing is computed here that a view computes.

mod app;
mod board;
mod terminal;
mod ui;

use lastword::clock::Clock;
use lastword::views::{Dashboard, Event, View};
use ratatui::crossterm::event::Event as Input;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use app::{App, Then};
use board::{Board, Source};
use terminal::Screen;

use crate::commands::fold::{fold, over};
use crate::commands::signals::Signals;
use crate::error::Error;
use crate::flags::list::EventFilter;
use crate::flags::source::Origin;
use crate::flags::top::TopArgs;
use crate::limits::{PAGE_ROWS, TOP_ONCE_COLUMNS, TOP_READING_INTERVAL};
use crate::output::{Look, Output};
use crate::source::feed::{Feed, Found};

/// Shows what happens until `q` or a signal.
///
/// # Errors
///
/// There is no terminal, or the source can't be read at the start.
pub(crate) async fn run(args: TopArgs) -> Result<(), Error> {
    let origin = args.source.origin()?;
    if args.once {
        return once(origin, args.range.into()).await;
    }
    let said = origin.to_string();
    let mut top = Top {
        feed: Feed::open(origin, args.range.into(), true)?,
        clock: Clock::system(),
        board: Board::new(said, Look::of_stdout().colour),
        app: App::default(),
    };
    // What can't be read at all is said before the screen is taken.
    top.look().await?;
    let mut signals = Signals::listen()?;
    let mut screen = Screen::take()?;
    let keys = terminal::listen();
    let mut ticks = interval(args.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::select! {
        ended = top.run(&mut screen, keys, &mut ticks) => ended,
        () = signals.next() => Ok(()),
    }
}

/// Prints one look as plain text.
async fn once(origin: Origin, filter: EventFilter) -> Result<(), Error> {
    let mut dashboard = Dashboard::default();
    fold(origin, filter, |_, event| dashboard.apply(event)).await?;
    let mut output = Output::stdout();
    let width = output.look().width.unwrap_or(TOP_ONCE_COLUMNS);
    output.bytes(dashboard.render(over(&dashboard), width).as_bytes())
}

/// All that a look needs.
struct Top {
    feed: Feed,
    clock: Clock,
    board: Board,
    app: App,
}

impl Top {
    async fn run(&mut self, screen: &mut Screen, mut keys: Receiver<Input>, ticks: &mut Interval) -> Result<(), Error> {
        let mut drawn = Instant::now();
        let mut is_behind = true;
        self.draw(screen)?;
        loop {
            tokio::select! {
                biased;
                input = keys.recv() => match input.map(|input| self.press(&input)) {
                    // Without keys nobody is there any more.
                    None | Some(Then::Quit) => return Ok(()),
                    Some(Then::Nothing) => continue,
                    Some(Then::Draw) => {}
                },
                found = page(&mut self.feed, &mut self.board.dashboard), if is_behind && !self.app.is_paused => {
                    is_behind = self.came(found)?;
                    if is_behind && drawn.elapsed() < TOP_READING_INTERVAL {
                        // So that keys are heard while much is read.
                        tokio::task::yield_now().await;
                        continue;
                    }
                }
                _ = ticks.tick() => is_behind = true,
            }
            if !is_behind || drawn.elapsed() >= TOP_READING_INTERVAL {
                self.draw(screen)?;
                drawn = Instant::now();
            }
        }
    }

    /// Reads a page, and says what can't be read as an error.
    async fn look(&mut self) -> Result<(), Error> {
        let found = page(&mut self.feed, &mut self.board.dashboard).await?;
        self.came(Ok(found)).map(drop)
    }

    /// Takes into account what a page came to; returns whether there is more to be read at once.
    fn came(&mut self, found: Result<Found, Error>) -> Result<bool, Error> {
        let has_more = matches!(found, Ok(Found::More));
        self.board.source = match found {
            Ok(Found::More) if self.board.source == Source::Reading => Source::Reading,
            Ok(Found::More | Found::Idle) => Source::Live,
            Ok(Found::End) => Source::Ended,
            Err(error) if error.may_pass() => Source::Lost(error.to_string()),
            Err(error) => return Err(error),
        };
        self.board.skipped = self.feed.skipped();
        Ok(has_more)
    }

    fn press(&mut self, input: &Input) -> Then {
        let Input::Key(key) = input else { return Then::Draw };
        let entries = ui::entries(&self.board, self.app.focus, &self.app.filter);
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        self.app.press(*key, &keys)
    }

    fn draw(&mut self, screen: &mut Screen) -> Result<(), Error> {
        if !self.app.is_paused {
            self.board.now = self.clock.now();
        }
        screen.draw(|frame| {
            let area = frame.area();
            ui::draw(frame.buffer_mut(), area, &self.board, &mut self.app);
        })
    }
}

/// Gives what is new to the views. What can't be read as an event is none for them.
async fn page(feed: &mut Feed, dashboard: &mut Dashboard) -> Result<Found, Error> {
    let mut each = |json: &str| {
        if let Ok(event) = Event::from_line(json.as_bytes()) {
            dashboard.apply(&event);
        }
        Ok(())
    };
    feed.page(PAGE_ROWS, &mut each).await
}
