//! Small plots as SVG: readable on light and dark pages, nothing but lines, dots and words.

use std::fmt::Write;

/// The size of every plot.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 48.0;

const STYLE: &str = "<style>\
text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:14px;font-weight:600}.g{stroke:#ddd}.a{stroke:#888}\
.l{fill:none;stroke-width:2}.d{stroke-dasharray:5 4}.c0{stroke:#0b6bcb}.c1{stroke:#2e8540}.c2{stroke:#c2410c}.c3{stroke:#7c3aed}\
.c4{stroke:#b58900}.c5{stroke:#777}.p{stroke:#c2410c;stroke-width:2}.o{fill:#0b6bcb}\
@media (prefers-color-scheme:dark){text{fill:#ddd}.g{stroke:#333}.a{stroke:#999}.c0{stroke:#5aa9f8}.c1{stroke:#6cc644}\
.c2{stroke:#ff8a4c}.c3{stroke:#b794f6}.c4{stroke:#e5c07b}.c5{stroke:#aaa}.p{stroke:#ff8a4c}.o{fill:#5aa9f8}}</style>";

/// One line of a plot.
pub struct Line {
    /// Its name.
    pub name: String,
    /// Whether it is dashed: something that nobody can have.
    pub dashed: bool,
    /// Points in the units of the axes.
    pub points: Vec<(f64, f64)>,
}

/// A share, its interval, and the most that is promised; all in percent.
pub struct Dot {
    /// Its name.
    pub name: String,
    /// The share.
    pub share: f64,
    /// Its interval.
    pub interval: (f64, f64),
    /// The promise.
    pub promise: f64,
}

/// An axis: where its numbers lie, and the numbers that are written, with their words.
pub struct Axis {
    /// What it measures.
    pub name: &'static str,
    /// From and to.
    pub ends: (f64, f64),
    /// Whether equal factors are equally far.
    pub logarithmic: bool,
    /// Numbers that are written.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.ln() } else { value };
        let (from, to) = (scale(self.ends.0), scale(self.ends.1));
        ((scale(value) - from) / (to - from)).clamp(0.0, 1.0)
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.place(value) * (HEIGHT - TOP - BOTTOM)
    }
}

fn frame(title: &str, height: f64, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{title}\">{STYLE}\n<text class=\"t\" x=\"12\" y=\"22\">{title}</text>\n{body}</svg>\n"
    )
}

fn text(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n")
}

fn stroke(class: &str, from: (f64, f64), to: (f64, f64)) -> String {
    format!(
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>\n",
        from.0, from.1, to.0, to.1
    )
}

/// Lines over two axes, each with its name at its side.
pub fn lines(title: &str, x: &Axis, y: &Axis, lines: &[Line]) -> String {
    let mut body = String::new();
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for (value, words) in &y.ticks {
        let at = y.y(*value);
        body += &stroke("g", (LEFT, at), (right, at));
        body += &text(LEFT - 6.0, at + 4.0, "end", words);
    }
    for (value, words) in &x.ticks {
        body += &stroke("a", (x.x(*value), bottom), (x.x(*value), bottom + 4.0));
        body += &text(x.x(*value), bottom + 18.0, "middle", words);
    }
    body += &stroke("a", (LEFT, bottom), (right, bottom));
    body += &text(f64::midpoint(LEFT, right), HEIGHT - 10.0, "middle", x.name);
    body += &text(LEFT - 6.0, TOP - 4.0, "start", y.name);
    for (index, line) in lines.iter().enumerate() {
        let color = index % 6;
        let dashed = if line.dashed { " d" } else { "" };
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(a, b)| format!("{:.1},{:.1}", x.x(*a), y.y(*b)))
            .collect();
        let row = TOP + 12.0 + 18.0 * index as f64;
        // Writing to a String cannot fail.
        let _ = writeln!(
            body,
            "<polyline class=\"l c{color}{dashed}\" points=\"{}\"/>",
            points.join(" ")
        );
        body += &stroke(
            &format!("l c{color}{dashed}"),
            (right + 10.0, row - 4.0),
            (right + 30.0, row - 4.0),
        );
        body += &text(right + 36.0, row, "start", &line.name);
    }
    frame(title, HEIGHT, &body)
}

/// Shares with their intervals, one below the other, each with a mark at what is promised.
pub fn dots(title: &str, x: &Axis, dots: &[Dot]) -> String {
    const NAMES: f64 = 150.0;
    let row = |index: usize| TOP + 14.0 + 20.0 * index as f64;
    let height = row(dots.len()) + 30.0;
    let at = |value: f64| NAMES + x.place(value) * (WIDTH - NAMES - 30.0);
    let bottom = row(dots.len());
    let mut body = String::new();
    for (value, words) in &x.ticks {
        body += &stroke("g", (at(*value), TOP), (at(*value), bottom - 6.0));
        body += &text(at(*value), bottom + 8.0, "middle", words);
    }
    body += &text(NAMES - 10.0, bottom + 8.0, "end", x.name);
    for (index, dot) in dots.iter().enumerate() {
        let y = row(index);
        body += &text(NAMES - 10.0, y + 4.0, "end", &dot.name);
        body += &stroke("l c0", (at(dot.interval.0), y), (at(dot.interval.1), y));
        body += &stroke("p", (at(dot.promise), y - 7.0), (at(dot.promise), y + 7.0));
        // Writing to a String cannot fail.
        let _ = writeln!(
            body,
            "<circle class=\"o\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/>",
            at(dot.share)
        );
    }
    frame(title, height, &body)
}
