//! The store in a server of ClickHouse.
