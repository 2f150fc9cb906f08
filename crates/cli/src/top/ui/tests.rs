//! The screen as a person sees it, on a backend that keeps it as text.

use lastword::clock::Timestamp;
use lastword::views::{Event, View};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::super::app::{App, Pane, Place};
use super::super::board::{Board, Source};
use crate::output::text;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A board of an agent that asked a model, called a tool with a wide name that failed, and goes on.
fn board(colour: bool) -> Board {
    let mut board = Board::new("agent.jsonl".to_owned(), colour);
    board.source = Source::Live;
    let span = |id: u64, parent: Option<u64>, name: &str, ms: f64, status: &str, more: Value| {
        let mut data = json!({"trace_id": TRACE, "span_id": format!("{id:016x}"), "span_name": name, "duration_ms": ms, "status": status});
        let fields = data.as_object_mut().unwrap();
        fields.extend(parent.map(|parent| ("parent_span_id".to_owned(), format!("{parent:016x}").into())));
        fields.extend(more.as_object().unwrap().clone());
        data
    };
    let events = [
        (0, "SESSION_START", "", json!({})),
        (
            1,
            "GENERIC_EVENT",
            "span.start",
            json!({"trace_id": TRACE, "span_id": "0000000000000001", "span_name": "agent.run"}),
        ),
        (
            2,
            "GENERIC_EVENT",
            "span.end",
            span(
                2,
                Some(1),
                "chat gpt-4o",
                900.0,
                "ok",
                json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1_200, "gen_ai.usage.output_tokens": 34, "gen_ai.usage.cost": 0.0123}),
            ),
        ),
        (
            3,
            "GENERIC_EVENT",
            "span.end",
            span(
                3,
                Some(1),
                "execute_tool 執行工具",
                40.0,
                "error",
                json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "執行工具",
                "error.type": "Denied", "error.message": "EACCES \u{1b}[31m許可がありません"}),
            ),
        ),
    ];
    for (index, (second, kind, name, data)) in events.into_iter().enumerate() {
        let severity = if data.get("error.type").is_some() { "ERROR" } else { "INFO" };
        let event = json!({"event": kind, "event_session_index": index, "severity": severity, "session_id": "session-1",
            "timestamp": format!("2026-11-25T10:00:{second:02}Z"), "event_name": name, "event_data": data});
        board.dashboard.apply(&Event::from_json(&event).unwrap());
    }
    let last = board.dashboard.totals.last().unwrap();
    board.now = Timestamp::from_unix_nanos(last.unix_nanos() + 2_000_000_000);
    board
}

/// The screen's lines, after these keys.
fn screen(board: &Board, (width, height): (u16, u16), keys: &[KeyCode]) -> (Vec<String>, Terminal<TestBackend>) {
    let mut app = App::default();
    for key in keys {
        let entries = super::entries(board, app.focus, &app.filter);
        let of_rows: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        app.press(KeyEvent::new(*key, KeyModifiers::NONE), &of_rows);
    }
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            super::draw(frame.buffer_mut(), area, board, &mut app);
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let lines = (0..height).map(|y| {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // What is wide has the next cell too.
            x += u16::try_from(text::width(symbol).max(1)).unwrap();
        }
        line.trim_end().to_owned()
    });
    (lines.collect(), terminal)
}

fn has(lines: &[String], said: &str) -> bool {
    lines.iter().any(|line| line.contains(said))
}

#[test]
fn a_small_terminal_shows_every_pane_with_its_figures() {
    let (lines, _) = screen(&board(true), (80, 24), &[]);
    let expected = ["lastword top  agent.jsonl                        4 events  up 5s  10:00:05 UTC  live"];
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), expected[0].split_whitespace().collect::<Vec<_>>());
    for said in [
        "Tokens 1,234",
        "Cost $0.0123",
        "Error rate 0.00%",
        "Sessions 1/1",
        "openai/gpt-4o          1   900ms     0",
        "執行工具",
        "10:00:03  tool_error: EACCES",
        "session-1",
        "4bf92f35  11-25 10:00:01",
        "running  agent.run",
        "q quit",
    ] {
        assert!(has(&lines, said), "{said}: {lines:#?}");
    }
    let titles = ["Overview", "Providers 1", "Top tools 1", "Recent errors 1", "Sessions 1", "Traces 1"];
    assert!(titles.iter().all(|title| has(&lines, title)), "{lines:#?}");
}

#[test]
fn a_wide_terminal_has_more_columns_and_cuts_nothing_short() {
    let (lines, _) = screen(&board(true), (200, 50), &[]);
    for said in [
        "TOKENS       COST     AVG     P95",
        "SCORE",
        "許可がありません",
        "2026-11-25 10:00:01.000",
        "calls/min",
        "cost/hour",
    ] {
        assert!(has(&lines, said), "{said}: {lines:#?}");
    }
}

#[test]
fn nothing_that_an_event_says_acts_on_the_terminal_and_no_line_is_wider_than_it_is() {
    for size in [(80, 24), (200, 50), (60, 16), (101, 33)] {
        for keys in [&[][..], &[KeyCode::Enter], &[KeyCode::Char('3'), KeyCode::Enter], &[KeyCode::Char('?')]] {
            let (lines, _) = screen(&board(true), size, keys);
            for line in lines {
                assert!(text::width(&line) <= usize::from(size.0), "{size:?}: {line}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}

#[test]
fn without_colour_nothing_is_coloured_and_the_chosen_row_is_seen_all_the_same() {
    for (colour, expected) in [(false, false), (true, true)] {
        let (_, terminal) = screen(&board(colour), (80, 24), &[]);
        let cells = &terminal.backend().buffer().content;
        assert_eq!(cells.iter().any(|cell| cell.fg != Color::Reset), expected);
        assert!(cells.iter().all(|cell| cell.bg == Color::Reset), "the background is the terminal's own");
        assert!(cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
    }
}

#[test]
fn each_kind_of_row_is_looked_at_closely() {
    let cases: [(char, &[&str]); 5] = [
        ('1', &["openai/gpt-4o ━", "attempts        1", "p50 p95 p99", "≤ 1.0s"]),
        ('2', &["執行工具 ━", "reliability", "0.200 from 1 call", "tool_error"]),
        ('3', &["tool_error ━", "許可がありません", "context         {\"tool\":", "execute_tool"]),
        ('4', &["session-1 ━", "state           running", "model calls     1", "agent.run"]),
        ('5', &["agent.run ━", TRACE, "running", "! └ execute_tool 執行工具", "Denied: EACCES", "1,200→34 $0.0123"]),
    ];
    let board = board(true);
    for (pane, says) in cases {
        let (lines, _) = screen(&board, (100, 40), &[KeyCode::Char(pane), KeyCode::Enter]);
        for said in says {
            assert!(has(&lines, said), "{pane} {said}: {lines:#?}");
        }
        let (lines, _) = screen(&board, (100, 40), &[KeyCode::Char(pane), KeyCode::Enter, KeyCode::Esc]);
        assert!(has(&lines, "Overview"), "and back");
    }
}

#[test]
fn a_filter_leaves_what_has_its_text_in_any_pane() {
    let keys = [KeyCode::Char('/'), KeyCode::Char('G'), KeyCode::Char('P'), KeyCode::Char('t'), KeyCode::Enter];
    let (lines, _) = screen(&board(true), (80, 24), &keys);
    assert!(has(&lines, "openai/gpt-4o") && !has(&lines, "執行工具") && has(&lines, "filter: GPt"), "{lines:#?}");
}

#[test]
fn a_pause_a_lost_source_and_skipped_lines_are_said() {
    let mut shown = board(true);
    let (lines, _) = screen(&shown, (80, 24), &[KeyCode::Char('p')]);
    assert!(lines[0].ends_with("paused"), "{}", lines[0]);
    shown.skipped = Some("skipped: 3 lines torn".to_owned());
    assert!(has(&screen(&shown, (120, 24), &[]).0, "skipped: 3 lines"));
    shown.source = Source::Lost("no collector answers".to_owned());
    let (lines, _) = screen(&shown, (80, 24), &[]);
    assert!(lines[0].ends_with("no answer") && lines[23].contains("no collector answers; asking again"), "{lines:#?}");
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_one_of_a_single_cell_breaks_nothing() {
    let shown = board(true);
    let (lines, _) = screen(&shown, (59, 24), &[]);
    assert_eq!(&lines[..2], ["59x24 is too small:", "60x16 is the least"]);
    for size in [(1, 1), (1, 50), (200, 1)] {
        screen(&shown, size, &[KeyCode::Char('?')]);
    }
}

#[test]
fn an_empty_board_says_what_is_missing() {
    let mut empty = Board::new("http://127.0.0.1:4318".to_owned(), true);
    empty.source = Source::Live;
    for keys in [&[][..], &[KeyCode::Enter], &[KeyCode::Down, KeyCode::Tab, KeyCode::Char('/'), KeyCode::Enter]] {
        let (lines, _) = screen(&empty, (80, 24), keys);
        for pane in Pane::ALL {
            assert!(has(&lines, super::panes::nothing(pane)), "{pane:?}: {lines:#?}");
        }
    }
}

#[test]
fn a_detail_whose_row_is_gone_says_so_and_scrolls_no_further_than_its_end() {
    let shown = board(true);
    let mut app = App::default();
    (app.place, app.focus, app.scroll) = (Place::Detail, Pane::Traces, u16::MAX);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal
        .draw(|frame| super::draw(frame.buffer_mut(), ratatui::layout::Rect::new(0, 0, 80, 24), &shown, &mut app))
        .unwrap();
    assert_eq!(app.scroll, 0);
    let text: String = terminal.backend().buffer().content.iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(text.contains("no longer among what is kept"));
}
