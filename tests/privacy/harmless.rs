//! Texts that hold nothing that must not leave. Every one of them must arrive as it is.

/// Harmless texts, one a line; what is made of numbers is made in [`all`].
const LINES: &str = include_str!("harmless.txt");

/// Returns all of them.
pub(crate) fn all() -> Vec<String> {
    let lines = LINES.lines().filter(|line| !line.is_empty()).map(str::to_owned);
    let image = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let uuids = (0..10_u128)
        .map(|n| uuid::Uuid::from_u128(n * 0x0123_4567_89ab_cdef_0246_8ace_1357_9bdf % (u128::MAX / 3)).to_string());
    let hashes = (1..=10_u128).map(|n| format!("{:040x}", n * 0x0fed_cba9_8765_4321_1234_5678_9abc_def0));
    let times = (0..10_u64).map(|n| (1_790_000_000_123_456_789 + n * 987_654_321).to_string());
    let long =
        [format!("data:image/png;base64,{}", image.repeat(20)), "word ".repeat(500), "0".repeat(300), "-".repeat(80)];
    lines.chain([image.to_owned()]).chain(uuids).chain(hashes).chain(times).chain(long).collect()
}
