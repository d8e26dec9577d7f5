### Strona startowa: programy i ich stany.

programs = Programy
group-solo = Programy
group-stack = Usługi pistack
no-programs = Nie skonfigurowano żadnego programu.
col-program = Program
col-state = Stan
col-since = Od
col-pid = PID
col-group = Grupa
col-details = Szczegóły
col-actions = Działania
start = Uruchom
stop = Zatrzymaj
restart = Restartuj
filter = Filtruj
filter-nothing = Żaden program nie pasuje do filtra.
live = Na żywo
live-lost = Utracono połączenie, ponawiam próbę
all-up = { $count ->
        [one] Jedyny program działa
        [few] Wszystkie { $count } programy działają
       *[many] Wszystkie { $count } programów działa
    }
some-up = { $up ->
        [one] Działa { $up } z { NUMBER($count) } programów
        [few] Działają { $up } z { NUMBER($count) } programów
       *[many] Działa { $up } z { NUMBER($count) } programów
    }
none-at-all = Brak programów
not-for-level = Twój poziom uprawnień nie obejmuje programów. Poziom Admin pozwala je oglądać, a Root także nimi sterować.
supervisor-down = Usługa nadzorcy chwilowo nie odpowiada. Same programy działają dalej.
events-lost = Aktualizacje na żywo wstrzymane: usługa nadzorcy nie odpowiada.
changed-to = { $name }: { $state }
state-running = działa
state-starting = uruchamia się
state-backoff = ponawia start
state-stopping = zatrzymuje się
state-stopped = zatrzymany
state-finished = zakończony
state-exited = przerwany
state-fatal = nie działa
state-unknown = nieznany
detail-exit = kod wyjścia { $code }
detail-signal = zakończony sygnałem
detail-never = nigdy nie uruchomiony
col-restarts = Restarty
show-all = wszystkie
show-down = nie działają
show-changed = zmienione
show-title = Które programy
group-all = Wszystkie grupy
filter-apply = Pokaż
spark-text = CPU przez dziesięć minut: od { $low } do { $high }, teraz { $now }
select = Zaznacz { $name }
several-title = Z zaznaczonymi programami
did-several = { $count ->
        [one] Zlecono dla jednego programu.
        [few] Zlecono dla { $count } programów.
       *[many] Zlecono dla { $count } programów.
    }
several-none = Nie zaznaczono żadnego programu.
several-refused = { $count ->
        [one] Odmówił jeden program: { $names }
        [few] Odmówiły { $count } programy: { $names }
       *[many] Odmówiło { $count } programów: { $names }
    }
undo = Cofnij
start-it-again = Uruchom ponownie
