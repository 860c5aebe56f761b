//! What a person watches: headings, sentences, and one block that is redrawn on a terminal and told in plain lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

/// Columns of the live block, at most.
const WIDEST: usize = 110;
/// Rows of a terminal that does not tell how many it has.
const ROWS: usize = 24;
/// Characters of an alert's line, at most.
const LONGEST: usize = 320;

/// Standard output.
#[derive(Debug)]
pub struct Screen {
    quiet: bool,
    redraws: bool,
    colors: bool,
    /// Lines of the block that would be redrawn.
    block: usize,
    /// What was last told in plain lines.
    told: String,
}

impl Screen {
    /// Standard output; `quiet`: only results.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let stdout = io::stdout();
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            quiet,
            redraws: stdout.is_terminal() && !dumb,
            colors: anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never,
            block: 0,
            told: String::new(),
        }
    }

    /// Whether only results are told.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a block is redrawn rather than told.
    #[must_use]
    pub const fn redraws(&self) -> bool {
        self.redraws
    }

    /// Whether colors are wanted.
    #[must_use]
    pub const fn colors(&self) -> bool {
        self.colors
    }

    /// Columns to draw in.
    #[must_use]
    pub fn width(&self) -> usize {
        size().0
    }

    /// The heading of an act.
    pub fn heading(&mut self, text: &str) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let style = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
        self.lines(&format!("\n{}", self.styled(style, &format!("── {text} ──"))))
    }

    /// A sentence.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        if self.quiet {
            Ok(())
        } else {
            self.lines(&self.wrapped(text, 0))
        }
    }

    /// An alert as it was received: set off by a bar, its longest lines (queries) clipped.
    pub fn alert(&mut self, text: &str) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let bar = self.styled(Style::new().bold().fg_color(Some(AnsiColor::Yellow.into())), "┃");
        let clipped: Vec<String> = text.lines().map(clipped).collect();
        let wrapped = self.wrapped(&clipped.join("\n"), 2);
        let lines: Vec<String> = wrapped.lines().map(|line| format!("{bar} {line}")).collect();
        self.lines(&format!("\n{}\n", lines.join("\n")))
    }

    /// A result, which is told even when it is quiet.
    pub fn result(&mut self, good: bool, text: &str) -> io::Result<()> {
        let (color, mark) = if good {
            (AnsiColor::Green, "✓")
        } else {
            (AnsiColor::Red, "✗")
        };
        let mark = self.styled(Style::new().bold().fg_color(Some(color.into())), mark);
        let text = self.wrapped(text, 6).replace('\n', "\n      ");
        self.lines(&format!("{mark} {text}"))
    }

    /// The newest state of the block: drawn over the one before on a terminal; elsewhere `plain` is told when it has changed.
    pub fn live(&mut self, block: &str, plain: &str) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        if !self.redraws {
            if self.told != plain {
                plain.clone_into(&mut self.told);
                return self.lines(plain);
            }
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(self.over().as_bytes())?;
        // What has scrolled away cannot be drawn over; the cursor has a row of its own.
        let fits = block.lines().take(size().1.saturating_sub(1));
        self.block = 0;
        for line in fits {
            writeln!(out, "{line}")?;
            self.block += 1;
        }
        out.flush()
    }

    /// On a terminal broken at spaces, so that a line and `beside` columns more fit its width.
    fn wrapped(&self, text: &str, beside: usize) -> String {
        if !self.redraws {
            return text.to_owned();
        }
        let width = size().0.saturating_sub(beside);
        let lines: Vec<String> = text.lines().map(|line| broken(line, width)).collect();
        lines.join("\n")
    }

    /// Lets the block stand; what follows is written below it.
    pub fn settle(&mut self) {
        self.block = 0;
    }

    /// Back to the block's first line, and nothing below it.
    fn over(&self) -> String {
        match self.block {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\x1b[J"),
        }
    }

    fn lines(&mut self, text: &str) -> io::Result<()> {
        self.settle();
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    fn styled(&self, style: Style, text: &str) -> String {
        if self.colors {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// Columns and rows of the terminal.
fn size() -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let told = told.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    let (columns, rows) = told.unwrap_or_default();
    (
        if columns == 0 { WIDEST } else { columns.min(WIDEST) },
        if rows == 0 { ROWS } else { rows },
    )
}

/// `line` with breaks instead of spaces, so that no part is wider than `width` where that can be; parts are indented as the line is.
fn broken(line: &str, width: usize) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let mut out = " ".repeat(indent);
    let mut used = indent;
    for (index, word) in line[indent..].split(' ').enumerate() {
        let wide = word.width();
        if index > 0 && used + 1 + wide > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else if index > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += wide;
    }
    out
}

fn clipped(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_breaks_at_spaces_and_keeps_its_indent() {
        assert_eq!(broken("  one two three", 9), "  one two\n  three");
        assert_eq!(broken("immeasurable", 5), "immeasurable");
        assert_eq!(broken("", 5), "");
        assert_eq!(broken("已 证 明", 5), "已 证\n明");
    }
}
