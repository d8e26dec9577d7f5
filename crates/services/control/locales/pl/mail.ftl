### Skrzynka nadawcza.

mail-lead = Każda wiadomość tego urządzenia czeka tutaj, aż przyjmie ją serwer poczty.
mail-lead-own = Twoje wiadomości czekają tutaj, aż przyjmie je serwer poczty.
mail-write = Napisz wiadomość
mail-mail = Wiadomość
mail-all = wszystkie
mail-group-waiting = Czekające
mail-group-sent = Wysłane
mail-group-failed = Zaniechane
mail-group-undecided = Nierozstrzygnięte
mail-show = Pokaż
mail-search = Adres lub temat
mail-none = Nie ma takich wiadomości.
mail-created = Utworzona
mail-finished = Zakończona
mail-by = Nadawca
mail-to = Do
mail-to-hint = kilka adresów rozdziel przecinkami
mail-subject = Temat
mail-text = Treść
mail-send = Umieść w skrzynce nadawczej
mail-size = Rozmiar
mail-why = Dlaczego
mail-head = O tej wiadomości
mail-no-subject = (bez tematu)
mail-next = następna próba
mail-next-in = następna próba za { $wait }
mail-oldest = najstarsza od { $age }
mail-retry = Spróbuj ponownie
mail-remove = Usuń
mail-older = Starsze wiadomości
mail-server = Serwer poczty
mail-server-ok = przyjmuje pocztę
mail-server-failing = zawodzi
mail-server-paused = wstrzymany: odrzucono logowanie
mail-server-unknown = jeszcze nie próbowano
mail-test-to = Wiadomość próbna do
mail-test = Wyślij próbną
mail-resume = Spróbuj połączyć się teraz
mail-waiting = czeka
mail-deferred = odłożona
mail-sending = w trakcie wysyłania
mail-sent = wysłana
mail-partial = wysłana częściowo
mail-dead = zaniechana
mail-undecided = nierozstrzygnięta
mail-bounced = zwrócona
mail-refused = odrzucona
mail-failed = nieudana
mail-did-queue = Wiadomość jest w skrzynce nadawczej.
mail-did-retry = Wiadomość zostanie wysłana od razu.
mail-did-remove = Wiadomość została usunięta.
mail-did-test = Serwer poczty przyjął wiadomość próbną.
mail-did-resume = Próba połączenia z serwerem poczty trwa.
mail-has-page = Ta wiadomość ma też wersję HTML. Pokazywana jest tylko treść tekstowa, aby nic w niej nie mogło zaszkodzić.
mail-hidden = Treść tej wiadomości jest ukryta przed wszystkimi albo została usunięta po wysłaniu.
mail-files = Załączniki
mail-tries = { $count ->
        [one] Jedna próba
        [few] { $count } próby
       *[many] { $count } prób
    }
mail-no-tries = Jeszcze nie próbowano wysłać.
mail-said = Co odpowiedziano
