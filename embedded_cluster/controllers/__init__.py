"""The controllers, and the loop that wakes them: what follows from what is stored. May import `nodes`, `admission`,
`kinds`, `objects`; the server and they meet in the store only."""
