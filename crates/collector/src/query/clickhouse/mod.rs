//! Questions to a store in ClickHouse.
