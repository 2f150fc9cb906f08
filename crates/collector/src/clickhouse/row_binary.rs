//! Rows as ClickHouse reads them fastest from a client: the values one behind the other, nothing between them.

/// Rows that are written.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowBinary {
    bytes: Vec<u8>,
    rows: usize,
}

impl RowBinary {
    /// No row.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A `String`, or a `LowCardinality` of one.
    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.binary(value.as_bytes())
    }

    /// A `String` that is no text.
    pub(crate) fn binary(&mut self, value: &[u8]) -> &mut Self {
        self.length(value.len()).put(value)
    }

    /// A `FixedString(16)`.
    pub(crate) fn bytes16(&mut self, value: [u8; 16]) -> &mut Self {
        self.put(&value)
    }

    /// A `UInt8`.
    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.put(&[value])
    }

    /// A `UInt32`, or the seconds of a `DateTime`.
    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    /// A `UInt64`.
    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    /// An `Int64`.
    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    /// A `Float64`.
    pub(crate) fn f64(&mut self, value: f64) -> &mut Self {
        self.put(&value.to_le_bytes())
    }

    /// A `Bool`.
    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.u8(u8::from(value))
    }

    /// The begin of an `Array`: so many elements are written next.
    pub(crate) fn array(&mut self, len: usize) -> &mut Self {
        self.length(len)
    }

    /// The begin of a `Map`: so many keys are written next, each with its value behind it.
    pub(crate) fn map(&mut self, len: usize) -> &mut Self {
        self.length(len)
    }

    /// A row is complete.
    pub(crate) fn end_row(&mut self) -> &mut Self {
        self.rows += 1;
        self
    }

    /// How many rows are complete.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The rows.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    #[allow(clippy::cast_possible_truncation, reason = "seven bits are a byte")]
    fn length(&mut self, mut len: usize) -> &mut Self {
        while len >= 0x80 {
            self.bytes.push((len & 0x7f) as u8 | 0x80);
            len >>= 7;
        }
        self.bytes.push(len as u8);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::RowBinary;

    #[test]
    fn values_are_one_behind_the_other() {
        let mut rows = RowBinary::new();
        rows.u8(1).u32(4).u64(u64::MAX).i64(-2).f64(1.0).bool(true).bytes16([9; 16]).end_row();
        let mut expected = vec![1, 4, 0, 0, 0];
        expected.extend([255; 8]);
        expected.extend([254, 255, 255, 255, 255, 255, 255, 255]);
        expected.extend([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1]);
        expected.extend([9; 16]);
        assert_eq!(rows.as_bytes(), expected);
        assert_eq!(rows.rows(), 1);
    }

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        for (len, bytes) in
            [(0, vec![0]), (127, vec![127]), (128, vec![0x80, 1]), (300, vec![0xac, 2]), (16_384, vec![0x80, 0x80, 1])]
        {
            let mut rows = RowBinary::new();
            rows.array(len);
            assert_eq!(rows.as_bytes(), bytes);
        }
        let mut rows = RowBinary::new();
        rows.text("é\0'");
        assert_eq!(rows.as_bytes(), [4, 0xc3, 0xa9, 0, b'\'']);
    }
}
