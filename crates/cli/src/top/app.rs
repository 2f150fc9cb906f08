//! What is looked at, and what keys do. It knows rows by their keys only: what they are made of is none of its business.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::limits::TOP_FILTER_MAX;

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pane {
    Providers,
    Tools,
    Errors,
    Sessions,
    Traces,
}

impl Pane {
    /// All of them, in the order of Tab.
    pub(super) const ALL: [Self; 5] = [Self::Providers, Self::Tools, Self::Errors, Self::Sessions, Self::Traces];

    fn at(index: usize) -> Self {
        Self::ALL[index % Self::ALL.len()]
    }

    /// Returns what its heading says.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Providers => "Providers",
            Self::Tools => "Top tools",
            Self::Errors => "Recent errors",
            Self::Sessions => "Sessions",
            Self::Traces => "Traces",
        }
    }
}

/// What the user sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// All panes.
    Board,
    /// The chosen row of the pane in focus.
    Detail,
}

/// What is to be done after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    Draw,
    Quit,
}

/// Which row of a pane is chosen. It is the row with this key, wherever it moves to; while that is not there, the row at
/// the place where it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Choice {
    key: Option<String>,
    index: usize,
}

impl Choice {
    /// Returns which of these rows it is.
    pub(super) fn among<'a>(&self, mut keys: impl ExactSizeIterator<Item = &'a str> + Clone) -> usize {
        let last = keys.len().saturating_sub(1);
        let found = self.key.as_ref().and_then(|key| keys.position(|other| other == key));
        found.unwrap_or(self.index).min(last)
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

/// What is looked at.
#[derive(Debug)]
pub(super) struct App {
    pub(super) place: Place,
    pub(super) focus: Pane,
    choices: [Choice; Pane::ALL.len()],
    /// The text that rows must have.
    pub(super) filter: String,
    /// Whether the filter is being written.
    pub(super) is_filtering: bool,
    pub(super) is_paused: bool,
    pub(super) has_help: bool,
    /// How many lines of a detail are above the screen.
    pub(super) scroll: u16,
}

impl Default for App {
    fn default() -> Self {
        Self {
            place: Place::Board,
            focus: Pane::Traces,
            choices: Default::default(),
            filter: String::new(),
            is_filtering: false,
            is_paused: false,
            has_help: false,
            scroll: 0,
        }
    }
}

impl App {
    /// Returns which row of a pane is chosen.
    pub(super) fn choice(&self, pane: Pane) -> &Choice {
        &self.choices[pane as usize]
    }

    /// Does what a key says. `keys` are those of the rows of the pane in focus.
    pub(super) fn press(&mut self, key: KeyEvent, keys: &[&str]) -> Then {
        if key.kind == KeyEventKind::Release {
            return Then::Nothing;
        }
        // In raw mode it is no signal.
        if key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd')) {
            return Then::Quit;
        }
        if self.is_filtering {
            return self.write_filter(key.code);
        }
        if self.has_help {
            self.has_help = false;
            return if key.code == KeyCode::Char('q') { Then::Quit } else { Then::Draw };
        }
        match key.code {
            KeyCode::Char('q') => return Then::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.has_help = true,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('/') => {
                self.is_filtering = true;
                self.place = Place::Board;
            }
            KeyCode::Esc | KeyCode::Backspace => self.back(),
            _ => match self.place {
                Place::Board => return self.move_on_board(key.code, keys),
                Place::Detail => return self.move_in_detail(key.code, keys),
            },
        }
        Then::Draw
    }

    /// Goes one step back: from a detail to the panes, from a filter to none.
    fn back(&mut self) {
        match self.place {
            Place::Detail => self.place = Place::Board,
            Place::Board => self.filter.clear(),
        }
    }

    fn move_on_board(&mut self, code: KeyCode, keys: &[&str]) -> Then {
        let focus = self.focus as usize;
        match code {
            KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => self.focus = Pane::at(focus + 1),
            KeyCode::BackTab | KeyCode::Left => self.focus = Pane::at(focus + Pane::ALL.len() - 1),
            KeyCode::Char(digit @ '1'..='5') => self.focus = Pane::at(digit as usize - '1' as usize),
            KeyCode::Enter if !keys.is_empty() => {
                // The detail stays with the row that it was opened for.
                self.choose(keys, 0);
                self.place = Place::Detail;
                self.scroll = 0;
            }
            _ => return self.move_choice(code, keys),
        }
        Then::Draw
    }

    fn move_in_detail(&mut self, code: KeyCode, keys: &[&str]) -> Then {
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.scroll = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll = u16::MAX,
            KeyCode::Left | KeyCode::BackTab => {
                self.choose(keys, -1);
                self.scroll = 0;
            }
            KeyCode::Right | KeyCode::Tab => {
                self.choose(keys, 1);
                self.scroll = 0;
            }
            _ => return Then::Nothing,
        }
        Then::Draw
    }

    fn move_choice(&mut self, code: KeyCode, keys: &[&str]) -> Then {
        let page = isize::from(i16::try_from(PAGE).unwrap_or(i16::MAX));
        let by = match code {
            KeyCode::Up | KeyCode::Char('k') => -1,
            KeyCode::Down | KeyCode::Char('j') => 1,
            KeyCode::PageUp => -page,
            KeyCode::PageDown => page,
            KeyCode::Home | KeyCode::Char('g') => isize::MIN,
            KeyCode::End | KeyCode::Char('G') => isize::MAX,
            _ => return Then::Nothing,
        };
        self.choose(keys, by);
        Then::Draw
    }

    /// Moves the choice in the pane in focus.
    fn choose(&mut self, keys: &[&str], by: isize) {
        let choice = &mut self.choices[self.focus as usize];
        let index = choice.among(keys.iter().copied()).saturating_add_signed(by);
        choice.index = index.min(keys.len().saturating_sub(1));
        choice.key = keys.get(choice.index).map(|key| (*key).to_owned());
    }

    fn write_filter(&mut self, code: KeyCode) -> Then {
        match code {
            KeyCode::Enter => self.is_filtering = false,
            KeyCode::Esc => {
                self.is_filtering = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(character) if !character.is_control() && self.filter.len() < TOP_FILTER_MAX => {
                self.filter.push(character);
            }
            _ => return Then::Nothing,
        }
        Then::Draw
    }
}

/// Lines of a page up or down.
const PAGE: u16 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn press(app: &mut App, code: KeyCode, keys: &[&str]) -> Then {
        app.press(KeyEvent::new(code, KeyModifiers::NONE), keys)
    }

    #[test]
    fn a_choice_stays_with_its_row_wherever_that_moves() {
        let mut app = App::default();
        press(&mut app, KeyCode::Down, &["a", "b", "c"]);
        assert_eq!(app.choice(Pane::Traces).among(["a", "b", "c"].into_iter()), 1);
        assert_eq!(app.choice(Pane::Traces).among(["x", "a", "b"].into_iter()), 2, "it moved");
        assert_eq!(app.choice(Pane::Traces).among(["x", "y"].into_iter()), 1, "it is gone");
        assert_eq!(app.choice(Pane::Traces).among([].into_iter()), 0, "all are");
    }

    #[test]
    fn tab_goes_round_and_enter_and_escape_go_in_and_out() {
        let mut app = App::default();
        for _ in Pane::ALL {
            press(&mut app, KeyCode::Tab, &[]);
        }
        assert_eq!(app.focus, Pane::Traces);
        press(&mut app, KeyCode::Enter, &[]);
        assert_eq!(app.place, Place::Board, "there is nothing to look at");
        press(&mut app, KeyCode::Enter, &["a"]);
        assert_eq!((app.place, app.choice(Pane::Traces).key()), (Place::Detail, Some("a")));
        press(&mut app, KeyCode::Esc, &["a"]);
        assert_eq!(app.place, Place::Board);
    }

    #[test]
    fn a_filter_is_written_and_taken_back_and_q_is_a_letter_of_it() {
        let mut app = App::default();
        for code in [KeyCode::Char('/'), KeyCode::Char('q'), KeyCode::Char('x'), KeyCode::Backspace, KeyCode::Enter] {
            assert_eq!(press(&mut app, code, &[]), Then::Draw);
        }
        assert_eq!((app.filter.as_str(), app.is_filtering), ("q", false));
        press(&mut app, KeyCode::Esc, &[]);
        assert_eq!(app.filter, "");
        assert_eq!(press(&mut app, KeyCode::Char('q'), &[]), Then::Quit);
    }

    #[test]
    fn control_c_quits_wherever_one_is() {
        let mut app = App { is_filtering: true, ..App::default() };
        assert_eq!(app.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL), &[]), Then::Quit);
    }
}
