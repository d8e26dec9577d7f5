### Facts about the board.

board = Board
board-down = The info service does not answer just now.
board-model = Model
board-host = Host name
board-system = System
board-uptime = Up for
board-temperature = Temperature
board-memory = Memory
board-disk = Disk
board-load = Load
of-total = { $used } of { $total }
