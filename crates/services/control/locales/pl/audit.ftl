### Dziennik audytu.

audit-title = Dziennik zdarzeń bezpieczeństwa
audit-lead = Kto, co, skąd i kiedy zrobił. Jednakowe niepowodzenia są łączone w jeden wiersz.
col-when = Kiedy
col-what = Co
col-who = Kto
audit-kind = Rodzaj, na przykład login albo user*
audit-older = Starsze
audit-none = Nic nie zapisano.
audit-refused = odmowa
audit-done = wykonano
audit-times = { $count ->
        [one] raz
        [few] { $count } razy
       *[many] { $count } razy
    }
audit-clock = zegar nie był ustawiony
