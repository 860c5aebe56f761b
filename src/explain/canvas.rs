//! Lines of a fixed width, toned: nothing sticks out, and color is only ever an addition.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::clean::clean;

/// The column where values begin.
const INDENT: usize = 11;
/// Lines that one wrapped text may take; small terminals must still show the rest.
const WRAPPED: usize = 3;

/// What a piece of text is, for its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Quiet,
    Good,
    Bad,
    Doubt,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Quiet => Style::new().dimmed(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Doubt => AnsiColor::Yellow.on_default(),
        }
    }
}

/// Lines under construction.
pub(super) struct Canvas {
    width: usize,
    ansi: bool,
    lines: Vec<String>,
}

impl Canvas {
    pub(super) const fn new(width: usize, ansi: bool) -> Self {
        Self {
            width,
            ansi,
            lines: Vec::new(),
        }
    }

    /// The length that bars have here.
    pub(super) const fn bar(&self) -> usize {
        match self.width {
            0..=59 => 8,
            60..=79 => 16,
            _ => 24,
        }
    }

    /// A line of pieces, cut at the width.
    pub(super) fn line(&mut self, pieces: &[(Tone, String)]) {
        let mut room = self.width;
        let mut out = String::new();
        for (tone, text) in pieces {
            let cut = fit(text, room);
            room -= cut.width();
            let whole = cut.len() == text.len();
            if self.ansi && *tone != Tone::Plain && !cut.is_empty() {
                let style = tone.style();
                out.push_str(&format!("{style}{cut}{style:#}"));
            } else {
                out.push_str(&cut);
            }
            if !whole {
                break;
            }
        }
        self.lines.push(if self.ansi { out } else { out.trim_end().to_owned() });
    }

    /// A name and its value.
    pub(super) fn field(&mut self, name: &str, pieces: &[(Tone, String)]) {
        let mut line = vec![(Tone::Quiet, padded(name))];
        line.extend_from_slice(pieces);
        self.line(&line);
    }

    /// A name and a text from outside, over at most three lines.
    pub(super) fn wrapped(&mut self, name: &str, tone: Tone, text: &str) {
        let room = self.width.saturating_sub(INDENT).max(8);
        let mut lines = wrap(&clean(text), room);
        if lines.len() > WRAPPED {
            lines.truncate(WRAPPED);
            if let Some(last) = lines.last_mut() {
                *last = format!("{}…", fit_bare(last, room - 1));
            }
        }
        for (i, line) in lines.into_iter().enumerate() {
            self.field(if i == 0 { name } else { "" }, &[(tone, line)]);
        }
    }

    /// An empty line.
    pub(super) fn gap(&mut self) {
        self.lines.push(String::new());
    }

    /// All lines, each ended.
    pub(super) fn finish(self) -> String {
        self.lines.into_iter().map(|line| line + "\n").collect()
    }
}

/// A name of at most the indent's width, padded to it.
fn padded(name: &str) -> String {
    let name = fit(name, INDENT - 1);
    let spaces = INDENT - name.width();
    format!("{name}{}", " ".repeat(spaces))
}

/// `text`, cut to `room` columns with an ellipsis where it is longer.
#[must_use]
pub fn fit(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    if room == 0 {
        return String::new();
    }
    format!("{}…", fit_bare(text, room - 1))
}

/// As much of `text` as `room` columns hold.
fn fit_bare(text: &str, room: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        // The width of a whole is not the sum of its characters' (emoji with selectors), so the whole is measured.
        if out.width() > room {
            out.pop();
            break;
        }
    }
    out
}

/// `text` in lines of at most `room` columns, broken at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        let fits = lines
            .last()
            .is_some_and(|line| line.is_empty() || line.width() + 1 + word.width() <= room);
        if !fits {
            lines.push(String::new());
        }
        while word.width() > room {
            let head = fit_bare(&word, room);
            let taken = if head.is_empty() {
                word.chars().next().map_or(1, char::len_utf8)
            } else {
                head.len()
            };
            let rest = word.split_off(taken);
            append(&mut lines, &word);
            lines.push(String::new());
            word = rest;
        }
        append(&mut lines, &word);
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn append(lines: &mut [String], word: &str) {
    if let Some(line) = lines.last_mut() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
}

/// A bar of `width` columns, filled to `part`; a little is never drawn as nothing.
pub(super) fn bar(part: f64, width: usize) -> String {
    let part = if part.is_finite() {
        part.clamp(0.0, 1.0)
    } else {
        f64::from(part > 0.0)
    };
    let mut filled = (part * width as f64).floor() as usize;
    if part > 0.0 {
        filled = filled.max(1);
    }
    format!("{}{}", "█".repeat(filled), "░".repeat(width - filled))
}
