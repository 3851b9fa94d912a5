//! Who a call is counted against.
