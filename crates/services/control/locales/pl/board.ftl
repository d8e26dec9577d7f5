### Dane urządzenia.

board = Urządzenie
board-down = Usługa informacji chwilowo nie odpowiada.
board-model = Model
board-host = Nazwa hosta
board-system = System
board-uptime = Czas pracy
board-temperature = Temperatura
board-memory = Pamięć
board-disk = Dysk
board-load = Obciążenie
of-total = { $used } z { $total }
