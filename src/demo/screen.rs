//! What a person watches: headings, sentences, and one block that is redrawn on a terminal and told in plain lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

/// Columns of the live block, at most.
const WIDEST: usize = 110;
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
        rustix::termios::tcgetwinsize(io::stdout()).map_or(WIDEST, |size| match usize::from(size.ws_col) {
            0 => WIDEST,
            columns => columns.min(WIDEST),
        })
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
        if self.quiet { Ok(()) } else { self.lines(text) }
    }

    /// An alert as it was received: set off by a bar, its longest lines (queries) clipped.
    pub fn alert(&mut self, text: &str) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let bar = self.styled(Style::new().bold().fg_color(Some(AnsiColor::Yellow.into())), "┃");
        let lines: Vec<String> = text.lines().map(|line| format!("{bar} {}", clipped(line))).collect();
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
        for line in block.lines() {
            writeln!(out, "{line}")?;
        }
        self.block = block.lines().count();
        out.flush()
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

fn clipped(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", &line[..at]),
        None => line.to_owned(),
    }
}
