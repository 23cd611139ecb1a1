package azure

import "time"

// SetClock puts another clock in place of the machine's.
func (a *Azure) SetClock(now func() time.Time) { a.store.SetClock(now) }
