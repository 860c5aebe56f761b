//! What a page says of where and when it was measured.

/// Today, in UTC.
pub fn today() -> String {
    #[expect(clippy::disallowed_methods, reason = "a page says when it was made")]
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%d").to_string()
}

/// The processor's name.
pub fn processor() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &str| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim().to_owned());
    processors
        .lines()
        .find_map(named)
        .unwrap_or_else(|| "unknown processor".to_owned())
}
