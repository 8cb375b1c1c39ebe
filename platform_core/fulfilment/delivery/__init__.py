"""The download server (DLD-01, DLD-12, DLD-13, DLD-15, N14): signed addresses, byte ranges, an honest meter.

It runs as a process of its own on asyncio. The server knows neither the database nor Pyramid:
`backend.Backend` decides and records, `writer.MeterWriter` carries what was recorded to a `writer.Sink` in a
thread of its own. `store` is both of them on the platform's database, `run` the process.
"""
