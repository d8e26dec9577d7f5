### Strona jednego programu i działanie jej przycisków.

log = Dziennik
log-file = Plik dziennika
log-cut = Widoczny jest tylko koniec dziennika.
log-empty = Nic jeszcze nie zapisano.
log-none = Ten program nie prowadzi dziennika dla tego kanału.
follow = Śledź
refresh = Odśwież
did-start = Uruchomiono: { $name }.
did-stop = Zatrzymano: { $name }.
did-restart = Zrestartowano: { $name }.
did-send = Polecenie dla { $name } wysłano; wynik pokaże jej stan.
action-refused = { $name }: { $reason }
why-already-started = już działa
why-not-running = nie działa
why-start-failed = zakończył się zaraz po uruchomieniu; przyczyna może być w dzienniku
why-spawn = nie udało się go uruchomić: { $reason }
why-still-stopping = jeszcze się nie zatrzymał; spróbuj ponownie za chwilę
why-shutting-down = pistack właśnie się wyłącza
why-unknown = nie ma już programu o tej nazwie
why-level = twój poziom uprawnień na to nie pozwala
confirm-title = Na pewno?
confirm-stop = { $name } jest częścią pistack. Po zatrzymaniu panel przestanie działać, dopóki ktoś nie uruchomi jej ponownie w konsoli (pistack start { $name }).
confirm-restart = { $name } jest częścią pistack. Podczas restartu panel będzie niedostępny przez kilka sekund.
confirm-stop-button = Zatrzymaj
confirm-restart-button = Restartuj
