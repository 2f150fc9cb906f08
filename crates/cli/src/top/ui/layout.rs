//! Where each part of the screen stands, at any size.

use ratatui::layout::Rect;

use super::super::app::Pane;

/// The least that something can be shown on.
pub(crate) const LEAST: (u16, u16) = (60, 16);
/// From so many columns on, three panes stand side by side.
const WIDE: u16 = 150;
/// Columns between panes.
const GUTTER: u16 = 2;

/// The parts of the board.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) header: Rect,
    pub(super) overview: Rect,
    pub(super) panes: [(Pane, Rect); Pane::ALL.len()],
    pub(super) footer: Rect,
}

/// Divides the screen; `None` where it is too small.
pub(super) fn board(area: Rect) -> Option<Board> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let (header, rest) = cut_top(area, 1);
    let (rest, footer) = cut_bottom(rest, 1);
    let overview_height = if rest.height >= 30 {
        7
    } else if rest.height >= 20 {
        5
    } else {
        4
    };
    let (overview, rest) = cut_top(rest, overview_height);
    Some(Board { header, overview, panes: panes(rest), footer })
}

fn panes(area: Rect) -> [(Pane, Rect); Pane::ALL.len()] {
    if area.width >= WIDE {
        let (above, below) = cut_top(area, area.height * 2 / 5);
        let [providers, rest] = columns(above, above.width * 2 / 5);
        let [tools, sessions] = columns(rest, rest.width / 2);
        let [traces, errors] = columns(below, below.width * 3 / 5);
        return [
            (Pane::Providers, providers),
            (Pane::Tools, tools),
            (Pane::Errors, errors),
            (Pane::Sessions, sessions),
            (Pane::Traces, traces),
        ];
    }
    let third = area.height / 3;
    let (first, rest) = cut_top(area, third);
    let (second, third) = cut_top(rest, third);
    let [providers, tools] = columns(first, first.width / 2);
    let [errors, sessions] = columns(second, second.width / 2);
    [
        (Pane::Providers, providers),
        (Pane::Tools, tools),
        (Pane::Errors, errors),
        (Pane::Sessions, sessions),
        (Pane::Traces, third),
    ]
}

/// Divides into two side by side, the first of so many columns with the space behind it.
fn columns(area: Rect, first: u16) -> [Rect; 2] {
    let left = Rect { width: first.saturating_sub(GUTTER), ..area };
    let right = Rect { x: area.x + first, width: area.width - first, ..area };
    [left, right]
}

fn cut_top(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

fn cut_bottom(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let above = Rect { height: area.height - height, ..area };
    (above, Rect { y: above.y + above.height, height, ..area })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_overlaps_another_and_none_leaves_the_screen_at_any_size() {
        for (width, height) in
            (LEAST.0..250).step_by(7).flat_map(|width| (LEAST.1..70).map(move |height| (width, height)))
        {
            let area = Rect::new(0, 0, width, height);
            let board = board(area).unwrap();
            let mut parts = vec![board.header, board.overview, board.footer];
            parts.extend(board.panes.iter().map(|(_, pane)| *pane));
            for (index, part) in parts.iter().enumerate() {
                assert_eq!(part.intersection(area), *part, "{width}x{height}");
                assert!(part.height > 0 && part.width >= 20, "{width}x{height}: {part:?}");
                assert!(parts[..index].iter().all(|other| !other.intersects(*part)), "{width}x{height}: {part:?}");
            }
            assert!(
                board.panes.iter().all(|(_, pane)| pane.height >= 3),
                "a title, a heading and a row: {width}x{height}"
            );
        }
        assert!(board(Rect::new(0, 0, LEAST.0 - 1, 50)).is_none());
        assert!(board(Rect::new(0, 0, 200, LEAST.1 - 1)).is_none());
    }
}
