### Co działo się na urządzeniu.

events-lead = Co działo się na tym urządzeniu, na jednej osi czasu: około dziesięciu tysięcy ostatnich zdarzeń programów, 30 dni reguł, 90 dni logowań.
events-kinds = Pokaż tylko
events-program = Programy
events-rule = Reguły
events-login = Logowania
events-gpio = GPIO
events-config = Konfiguracja
events-clock = Zegar
events-power = Zasilanie i dysk
events-stack = Stos
events-search = Szukaj
events-search-hint = program, reguła, tekst
events-utc = Czas od–do jest podany w UTC.
events-subject = Czego dotyczy
events-by = Skąd
events-none = Nic takiego się nie zdarzyło.
events-count = { $count ->
        [one] Jedno zdarzenie
        [few] { $count } zdarzenia
       *[many] { $count } zdarzeń
    }
events-missing = Tutaj brakuje: { $what }. { $reason }
events-of-programs = zdarzenia programów i stosu
events-of-rules = zadziałania reguł
events-of-logins = logowania
events-of-lines = zbocza linii GPIO
events-runs = działa
events-ended = zakończył się zgodnie z planem
events-crashed = zakończył się niespodziewanie
events-backoff = zakończył się zaraz po starcie; próba { $tries }
events-fatal = nie dał się uruchomić, zaniechano prób
events-stopped = został zatrzymany
events-rose = stan wysoki
events-fell = stan niski
events-hook = wywołano punkt wejścia
events-group-added = dodano do konfiguracji
events-group-removed = usunięto z konfiguracji
events-supervisor-runs = Nadzorca działa
events-supervisor-stops = Nadzorca kończy pracę
events-left-out = { $count ->
        [one] (pominięto jedno wcześniejsze)
        [few] (pominięto { $count } wcześniejsze)
       *[many] (pominięto { $count } wcześniejszych)
    }
events-fired = zadziałała z powodu: { $key }
events-digest = { $count ->
        [one] mówi ponownie o { $key }: jeszcze raz
        [few] mówi ponownie o { $key }: jeszcze { $count } razy
       *[many] mówi ponownie o { $key }: jeszcze { $count } razy
    }
events-resolved = sprawa zakończona: { $key }
events-action-failed = działanie { $action } nie powiodło się: { $detail }
events-refused = odmowa: { $what }
rules-down = Reguły chwilowo nie odpowiadają. Uruchomią się same; spróbuj ponownie za kilka sekund.
mail-down = Usługa poczty chwilowo nie odpowiada. Uruchomi się sama; czekające wiadomości są bezpieczne.
events-clock-jumped = Zegar przeskoczył o { $seconds } s.
events-rules-read = Reguły i kanały wczytano ponownie.
