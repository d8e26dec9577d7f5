//! Seconds since 1970 as a local date, for log lines and process descriptions.

/// A local date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LocalTime {
    /// Year, such as 2026.
    pub(crate) year: i32,
    /// Month, 1 to 12.
    pub(crate) month: i32,
    /// Day of the month, from 1.
    pub(crate) day: i32,
    /// Hour, 0 to 23.
    pub(crate) hour: i32,
    /// Minute.
    pub(crate) minute: i32,
    /// Second, 60 at a leap second.
    pub(crate) second: i32,
    /// Day of the week, 0 is Monday.
    pub(crate) weekday: i32,
}

impl LocalTime {
    /// The local time of `unix`, seconds since 1970.
    pub(crate) fn at(unix: i64) -> Self {
        let time = unix as libc::time_t;
        let mut parts = std::mem::MaybeUninit::<libc::tm>::zeroed();
        // SAFETY: both pointers are valid for the call; a zeroed `tm` is a valid one.
        let parts = unsafe {
            libc::localtime_r(&raw const time, parts.as_mut_ptr());
            parts.assume_init()
        };
        Self {
            year: parts.tm_year + 1900,
            month: parts.tm_mon + 1,
            day: parts.tm_mday,
            hour: parts.tm_hour,
            minute: parts.tm_min,
            second: parts.tm_sec,
            weekday: (parts.tm_wday + 6) % 7,
        }
    }

    /// `Mon Nov 23 13:07:09 2026`, as C's `ctime` and the status page have it.
    pub(crate) fn long(&self) -> String {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let weekday = usize::try_from(self.weekday)
            .ok()
            .and_then(|index| DAYS.get(index));
        format!(
            "{} {} {:2} {:02}:{:02}:{:02} {}",
            weekday.unwrap_or(&"Mon"),
            self.month_name(),
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.year
        )
    }

    fn month_name(&self) -> &'static str {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        usize::try_from(self.month - 1)
            .ok()
            .and_then(|index| MONTHS.get(index))
            .unwrap_or(&"Jan")
    }

    /// `Nov 23 01:07 PM`: when a process stopped, in its description.
    pub(crate) fn short(&self) -> String {
        let month = self.month_name();
        let half = if self.hour < 12 { "AM" } else { "PM" };
        let hour = match self.hour % 12 {
            0 => 12,
            hour => hour,
        };
        format!("{month} {:02} {hour:02}:{:02} {half}", self.day, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_is_supervisords() {
        let time = LocalTime {
            year: 2026,
            month: 11,
            day: 3,
            hour: 0,
            minute: 5,
            second: 9,
            weekday: 1,
        };
        assert_eq!(time.long(), "Tue Nov  3 00:05:09 2026");
        assert_eq!(time.short(), "Nov 03 12:05 AM");
        assert_eq!(LocalTime { hour: 13, ..time }.short(), "Nov 03 01:05 PM");
        assert_eq!(LocalTime { hour: 12, ..time }.short(), "Nov 03 12:05 PM");
    }

    #[test]
    fn any_zone_is_within_a_day_of_utc() {
        let time = LocalTime::at(1_000_000_000); // 2001-09-09 01:46:40 UTC
        assert_eq!((time.year, time.month), (2001, 9));
        assert!((8..=9).contains(&time.day));
        assert_eq!(time.second, 40);
    }
}
