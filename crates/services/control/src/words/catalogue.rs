//! The texts themselves: key, English, Polish.

/// Makes the struct of all texts and one value a language; leaving a language out is a compile error.
macro_rules! catalogue {
    ($($key:ident: $english:literal, $polish:literal;)*) => {
        /// All texts in one language.
        #[derive(Debug)]
        pub(crate) struct Words { $(pub(crate) $key: &'static str,)* }
        /// English.
        pub(crate) static EN: Words = Words { $($key: $english,)* };
        /// Polish.
        pub(crate) static PL: Words = Words { $($key: $polish,)* };
        /// Key, English and Polish, for the test of the texts.
        #[cfg(test)]
        pub(crate) const ENTRIES: &[(&str, &str, &str)] =
            &[$((stringify!($key), $english, $polish),)*];
    };
}

catalogue! {
    // the frame
    skip: "Skip to the content", "Przejdź do treści";
    nav_main: "Main", "Główna nawigacja";
    nav_home: "Home", "Start";
    nav_api: "API", "API";
    signed_in_as: "Signed in as", "Zalogowano jako";
    sign_out: "Sign out", "Wyloguj";
    language: "Language", "Język";
    theme: "Theme", "Motyw";
    theme_auto: "Auto", "Auto";
    theme_light: "Light", "Jasny";
    theme_dark: "Dark", "Ciemny";
    cancel: "Cancel", "Anuluj";
    try_again: "Try again", "Spróbuj ponownie";
    no_answer: "The board does not answer. It may be restarting; try again in a few seconds.",
        "Urządzenie nie odpowiada. Być może właśnie się restartuje; spróbuj ponownie za kilka sekund.";
    to_home: "To the home page", "Na stronę startową";

    // signing in
    login_title: "Sign in", "Logowanie";
    login_lead: "Sign in to see and control what runs on this board.",
        "Zaloguj się, aby zobaczyć, co działa na tym urządzeniu, i tym sterować.";
    login_hint: "Forgotten? Set a new password on the board’s console:",
        "Nie pamiętasz hasła? Ustaw nowe w konsoli urządzenia:";
    user_name: "User name", "Nazwa użytkownika";
    password: "Password", "Hasło";
    password_again: "Password, once more", "Powtórz hasło";
    sign_in: "Sign in", "Zaloguj się";
    fill_both: "Enter both the user name and the password.", "Podaj nazwę użytkownika i hasło.";
    wrong_credentials: "The user name or the password is wrong.",
        "Nieprawidłowa nazwa użytkownika lub hasło.";
    too_many: "Too many attempts. Wait a while and try again.",
        "Zbyt wiele prób. Odczekaj chwilę i spróbuj ponownie.";
    too_many_wait: "Too many attempts. Try again in {wait}.",
        "Zbyt wiele prób. Spróbuj ponownie za {wait}.";
    auth_down: "The sign-in service does not answer just now. It is restarted by itself; try again in a few seconds.",
        "Usługa logowania chwilowo nie odpowiada. Uruchomi się sama; spróbuj ponownie za kilka sekund.";

    otp_title: "Second step", "Drugi krok";
    otp_lead: "Enter the code that your authenticator app shows now, or one of your recovery codes.",
        "Podaj kod, który pokazuje teraz aplikacja uwierzytelniająca, albo jeden z kodów odzyskiwania.";
    otp_code: "Code", "Kod";
    otp_wrong: "This code is not right, or was used already. Wait for the next one. If it keeps happening, compare the time of your phone with that of the board.",
        "Ten kod jest nieprawidłowy lub został już użyty. Poczekaj na następny. Jeśli to się powtarza, porównaj czas telefonu z czasem urządzenia.";
    otp_too_late: "The second step took too long. Enter your password again.",
        "Drugi krok trwał zbyt długo. Podaj hasło jeszcze raz.";
    otp_hint: "Authenticator lost? Turn the second factor off on the board’s console:",
        "Nie masz aplikacji? Wyłącz drugi składnik w konsoli urządzenia:";
    password_known: "The password of this account is known to the world: it is the one that the original came with. Choose another one to sign in.",
        "Hasło tego konta jest powszechnie znane: to hasło, z którym dostarczano oryginał. Wybierz inne, aby się zalogować.";
    password_new: "New password", "Nowe hasło";
    password_new_title: "Choose a new password", "Wybierz nowe hasło";
    start_again: "Start again", "Zacznij od nowa";

    // the own account
    account_title: "Your account", "Twoje konto";
    account_lead: "Where you are signed in, how you prove who you are, and keys for your programs.",
        "Gdzie jesteś zalogowany, jak potwierdzasz tożsamość i klucze dla twoich programów.";
    sessions: "Sessions", "Sesje";
    col_device: "Device", "Urządzenie";
    col_address: "Address", "Adres";
    col_began: "Signed in", "Zalogowano";
    col_used: "Last used", "Ostatnio użyto";
    this_session: "this one", "ta";
    device_api: "Program", "Programowy dostęp";
    device_unknown: "Unknown device", "Nieznane urządzenie";
    end_session: "Sign out", "Wyloguj";
    end_others: "Sign out all others", "Wyloguj wszystkie inne";
    did_sign_out: "The session was signed out.", "Wylogowano sesję.";
    did_sign_out_others: "All other sessions were signed out.", "Wylogowano wszystkie inne sesje.";
    factor: "Second factor", "Drugi składnik";
    factor_on: "on", "włączony";
    factor_off: "off", "wyłączony";
    factor_on_text: "Signing in takes a code of your authenticator app as well. Recovery codes left: {count}.",
        "Logowanie wymaga dodatkowo kodu z aplikacji uwierzytelniającej. Pozostałe kody odzyskiwania: {count}.";
    factor_off_text: "With a second factor, somebody who learns your password still cannot sign in. You need an authenticator app on your phone.",
        "Z drugim składnikiem ktoś, kto pozna twoje hasło, i tak się nie zaloguje. Potrzebujesz aplikacji uwierzytelniającej w telefonie.";
    factor_clock: "The board does not know what time it is, so codes cannot be checked until its clock is set. Recovery codes work.",
        "Urządzenie nie zna aktualnego czasu, więc kodów nie da się sprawdzić, dopóki zegar nie zostanie ustawiony. Kody odzyskiwania działają.";
    factor_begin: "Turn on", "Włącz";
    factor_end: "Turn off", "Wyłącz";
    factor_codes: "New recovery codes", "Nowe kody odzyskiwania";
    factor_is_off: "The second factor is off, or turning it on was not begun.",
        "Drugi składnik jest wyłączony albo nie rozpoczęto jego włączania.";
    factor_is_on: "The second factor is on already.", "Drugi składnik jest już włączony.";
    did_factor_off: "The second factor is off.", "Drugi składnik jest wyłączony.";
    enrol_title: "Turn on the second factor", "Włączanie drugiego składnika";
    enrol_scan: "Scan this with your authenticator app, then enter the six digits that it shows.",
        "Zeskanuj to aplikacją uwierzytelniającą, a potem podaj sześć cyfr, które pokaże.";
    enrol_again: "Enter the six digits that your authenticator app shows now.",
        "Podaj sześć cyfr, które pokazuje teraz aplikacja uwierzytelniająca.";
    enrol_open: "Open in an app on this device", "Otwórz w aplikacji na tym urządzeniu";
    enrol_secret: "Cannot scan? Type this in:", "Nie możesz zeskanować? Przepisz to:";
    codes_title: "Recovery codes", "Kody odzyskiwania";
    codes_lead: "The second factor is on. Keep these codes where you will find them without your phone: each signs you in once in place of a code. They are not shown again.",
        "Drugi składnik jest włączony. Zachowaj te kody tam, gdzie znajdziesz je bez telefonu: każdy pozwala zalogować się jeden raz zamiast kodu. Nie zostaną pokazane ponownie.";
    shown_done: "I have kept them", "Zapisałem";
    reauth_title: "Is it you?", "Czy to ty?";
    reauth_lead: "You signed in a while ago, and what you want to do is dangerous in other hands. Enter your password once more; for ten minutes it is not asked for again. Then repeat what you wanted.",
        "Od zalogowania minęło trochę czasu, a to, co chcesz zrobić, byłoby groźne w cudzych rękach. Podaj hasło jeszcze raz; przez dziesięć minut nie będzie potrzebne. Potem powtórz czynność.";
    reauth_button: "Confirm", "Potwierdź";
    did_reauth: "Thank you. Now repeat what you wanted to do.", "Dziękujemy. Teraz powtórz czynność.";
    wrong_password: "The password is wrong.", "Nieprawidłowe hasło.";
    tokens: "API tokens", "Tokeny API";
    tokens_lead: "For your own scripts: a token has only the rights that you give it, never more than you have yourself.",
        "Dla twoich skryptów: token ma tylko te uprawnienia, które mu nadasz, nigdy większe niż twoje.";
    tokens_none: "No token yet.", "Nie ma jeszcze tokenów.";
    col_name: "Name", "Nazwa";
    col_scope: "Rights", "Uprawnienia";
    col_expires: "Ends", "Wygasa";
    never_used: "never", "nigdy";
    revoke: "Revoke", "Unieważnij";
    did_revoke: "The token was revoked. It is refused everywhere from now on.",
        "Token unieważniono. Od teraz wszędzie będzie odrzucany.";
    token_new: "New token", "Nowy token";
    token_name_hint: "What it is for, such as garden script.", "Do czego służy, na przykład skrypt ogrodowy.";
    token_scope_hint: "Separated by spaces: info:* or gpio:relay1:write or process:camera:restart.",
        "Oddzielone spacjami: info:* lub gpio:relay1:write lub process:camera:restart.";
    token_days: "Days until it ends", "Ważny przez (dni)";
    token_make: "Make the token", "Utwórz token";
    token_title: "New API token", "Nowy token API";
    token_lead: "Copy it now, it is not shown again. Send it as the header Authorization: Bearer, followed by the token.",
        "Skopiuj go teraz, nie zostanie pokazany ponownie. Wysyłaj go w nagłówku Authorization: Bearer, a po nim token.";
    scope_refused: "These rights cannot be given: {reason}", "Takich uprawnień nie można nadać: {reason}";

    // the audit record
    audit_title: "Audit record", "Dziennik zdarzeń bezpieczeństwa";
    audit_lead: "Who did what, from where and when. Equal failures are folded into one line.",
        "Kto, co, skąd i kiedy zrobił. Jednakowe niepowodzenia są łączone w jeden wiersz.";
    col_when: "When", "Kiedy";
    col_what: "What", "Co";
    col_who: "Who", "Kto";
    audit_kind: "Kind, such as login or user*", "Rodzaj, na przykład login albo user*";
    audit_older: "Older", "Starsze";
    audit_none: "Nothing was recorded.", "Nic nie zapisano.";
    audit_refused: "refused", "odmowa";
    audit_done: "done", "wykonano";
    audit_times: "{count} times", "{count} razy";
    audit_clock: "the clock was not set", "zegar nie był ustawiony";

    // first start
    setup_title: "First start", "Pierwsze uruchomienie";
    setup_lead: "Make the first account. It has the level Root and may do everything.",
        "Utwórz pierwsze konto. Będzie miało poziom Root, czyli pełne uprawnienia.";
    setup_code: "Setup code", "Kod konfiguracji";
    setup_code_hint: "It was printed by pistack up and stands in the file secrets/setup_code.",
        "Wypisało go polecenie pistack up; znajduje się też w pliku secrets/setup_code.";
    setup_name_hint: "root is fine, any other name too.", "Może zostać root albo dowolna inna nazwa.";
    setup_password_hint: "Long is better than complicated: four words are fine.",
        "Lepsze długie niż skomplikowane: wystarczą cztery słowa.";
    setup_button: "Make the account", "Utwórz konto";
    setup_code_wrong: "The setup code is wrong. Copy it again from the console; the dash and upper or lower case do not matter.",
        "Nieprawidłowy kod konfiguracji. Przepisz go ponownie z konsoli; myślnik i wielkość liter nie mają znaczenia.";
    setup_done_already: "The first account exists already. Sign in with it.",
        "Pierwsze konto już istnieje. Zaloguj się na nie.";
    passwords_differ: "The two passwords differ.", "Hasła się różnią.";
    password_missing: "Enter the code, a user name and a password.", "Podaj kod, nazwę użytkownika i hasło.";
    password_refused: "This password cannot be used: {reason}", "Tego hasła nie można użyć: {reason}";

    // programs
    programs: "Programs", "Programy";
    group_solo: "Programs", "Programy";
    group_stack: "pistack’s own services", "Usługi pistack";
    no_programs: "No program is configured.", "Nie skonfigurowano żadnego programu.";
    col_program: "Program", "Program";
    col_state: "State", "Stan";
    col_since: "Since", "Od";
    col_pid: "PID", "PID";
    col_group: "Group", "Grupa";
    col_details: "Details", "Szczegóły";
    col_actions: "Actions", "Działania";
    start: "Start", "Uruchom";
    stop: "Stop", "Zatrzymaj";
    restart: "Restart", "Restartuj";
    filter: "Filter", "Filtruj";
    filter_nothing: "No program fits the filter.", "Żaden program nie pasuje do filtra.";
    live: "Live", "Na żywo";
    live_lost: "Connection lost, trying again", "Utracono połączenie, ponawiam próbę";
    all_up: "All programs are running ({count})", "Wszystkie programy działają ({count})";
    some_up: "{up} of {count} programs are running", "Działa {up} z {count} programów";
    none_at_all: "No programs", "Brak programów";
    not_for_level: "Your level does not include the programs. Ask for the level Admin to see them or Root to control them.",
        "Twój poziom uprawnień nie obejmuje programów. Poziom Admin pozwala je oglądać, a Root także nimi sterować.";
    supervisor_down: "The supervisor service does not answer just now. The programs themselves keep running.",
        "Usługa nadzorcy chwilowo nie odpowiada. Same programy działają dalej.";
    events_lost: "Live updates are paused: the supervisor service does not answer.",
        "Aktualizacje na żywo wstrzymane: usługa nadzorcy nie odpowiada.";
    changed_to: "{name}: {state}", "{name}: {state}";

    // states
    state_running: "running", "działa";
    state_starting: "starting", "uruchamia się";
    state_backoff: "retrying", "ponawia start";
    state_stopping: "stopping", "zatrzymuje się";
    state_stopped: "stopped", "zatrzymany";
    state_finished: "finished", "zakończony";
    state_exited: "exited", "przerwany";
    state_fatal: "failed", "nie działa";
    state_unknown: "unknown", "nieznany";
    detail_exit: "exit status {code}", "kod wyjścia {code}";
    detail_signal: "ended by a signal", "zakończony sygnałem";
    detail_never: "never started", "nigdy nie uruchomiony";

    // one program
    log: "Log", "Dziennik";
    log_file: "Log file", "Plik dziennika";
    log_cut: "Only the end of the log is shown.", "Widoczny jest tylko koniec dziennika.";
    log_empty: "Nothing has been written yet.", "Nic jeszcze nie zapisano.";
    log_none: "This program keeps no log for this channel.",
        "Ten program nie prowadzi dziennika dla tego kanału.";
    follow: "Follow", "Śledź";
    refresh: "Refresh", "Odśwież";
    did_start: "{name} was started.", "Uruchomiono: {name}.";
    did_stop: "{name} was stopped.", "Zatrzymano: {name}.";
    did_restart: "{name} was restarted.", "Zrestartowano: {name}.";
    did_send: "The request for {name} is on its way; the state shows what comes of it.",
        "Polecenie dla {name} wysłano; wynik pokaże jej stan.";
    action_refused: "{name}: {reason}", "{name}: {reason}";
    why_already_started: "it runs already", "już działa";
    why_not_running: "it does not run", "nie działa";
    why_start_failed: "it ended right after its start; the log may say why",
        "zakończył się zaraz po uruchomieniu; przyczyna może być w dzienniku";
    why_spawn: "it could not be started: {reason}", "nie udało się go uruchomić: {reason}";
    why_still_stopping: "it has not stopped yet; try again in a moment",
        "jeszcze się nie zatrzymał; spróbuj ponownie za chwilę";
    why_shutting_down: "pistack is shutting down", "pistack właśnie się wyłącza";
    why_unknown: "there is no program of this name any more", "nie ma już programu o tej nazwie";
    why_level: "your level does not allow this", "twój poziom uprawnień na to nie pozwala";
    confirm_title: "Are you sure?", "Na pewno?";
    confirm_stop: "{name} is part of pistack itself. When it is stopped, this dashboard stops working until someone starts it again on the console (pistack start {name}).",
        "{name} jest częścią pistack. Po zatrzymaniu panel przestanie działać, dopóki ktoś nie uruchomi jej ponownie w konsoli (pistack start {name}).";
    confirm_restart: "{name} is part of pistack itself. While it restarts, this dashboard is away for a few seconds.",
        "{name} jest częścią pistack. Podczas restartu panel będzie niedostępny przez kilka sekund.";
    confirm_stop_button: "Stop it", "Zatrzymaj";
    confirm_restart_button: "Restart it", "Restartuj";

    // the board
    board: "Board", "Urządzenie";
    board_down: "The info service does not answer just now.", "Usługa informacji chwilowo nie odpowiada.";
    board_model: "Model", "Model";
    board_host: "Host name", "Nazwa hosta";
    board_system: "System", "System";
    board_uptime: "Up for", "Czas pracy";
    board_temperature: "Temperature", "Temperatura";
    board_memory: "Memory", "Pamięć";
    board_disk: "Disk", "Dysk";
    board_load: "Load", "Obciążenie";
    of_total: "{used} of {total}", "{used} z {total}";

    // interfaces
    api_title: "Interfaces for programs", "Interfejsy dla programów";
    api_lead: "Each service describes its HTTP interface; it can be tried out in the browser with a token from the auth service.",
        "Każda usługa opisuje swój interfejs HTTP; można go wypróbować w przeglądarce, używając tokenu z usługi auth.";
    api_auth: "Users, sessions and tokens.", "Użytkownicy, sesje i tokeny.";
    api_supervisor: "Programs: list, start, stop, logs and events.", "Programy: lista, start, stop, dzienniki i zdarzenia.";
    api_email: "Sending mail.", "Wysyłanie poczty.";
    api_info: "Network, weather and the board.", "Sieć, pogoda i urządzenie.";
    api_io: "GPIO lines: read and set.", "Linie GPIO: odczyt i ustawianie.";
    api_rules: "Rules, channels and what they did.", "Reguły, kanały i co zrobiły.";
    ca_title: "Certificate", "Certyfikat";
    ca_lead: "Install this root certificate on your phone or computer, and the browser trusts this board without a warning.",
        "Zainstaluj ten certyfikat główny na telefonie lub komputerze, a przeglądarka zaufa temu urządzeniu bez ostrzeżeń.";
    ca_download: "Download the root certificate", "Pobierz certyfikat główny";
    ca_none: "There is no root certificate: the gateway has not made one yet, or uses a certificate of your own.",
        "Nie ma certyfikatu głównego: brama jeszcze go nie utworzyła albo używa twojego własnego certyfikatu.";

    // errors
    error_not_found: "Page not found", "Nie ma takiej strony";
    error_not_found_text: "There is nothing at this address. The program may have been removed.",
        "Pod tym adresem nic nie ma. Być może program został usunięty.";
    error_forbidden: "Not allowed", "Brak uprawnień";
    error_forbidden_text: "Your level does not allow this.", "Twój poziom uprawnień na to nie pozwala.";
    error_cross_site: "Request refused", "Żądanie odrzucone";
    error_cross_site_text: "The request did not come from one of our own pages, so nothing was done. Go to the home page and try again there.",
        "Żądanie nie pochodziło z naszej strony, więc nic nie zrobiono. Przejdź na stronę startową i spróbuj tam ponownie.";
    error_form: "Something is missing", "Czegoś brakuje";
    error_form_text: "The form arrived incomplete. Go back and send it again.",
        "Formularz dotarł niekompletny. Wróć i wyślij go ponownie.";
    error_down: "A service does not answer", "Usługa nie odpowiada";
    error_internal: "Something went wrong", "Coś poszło nie tak";
    error_internal_text: "The error is in the log of control_service. Trying again may help.",
        "Błąd zapisano w dzienniku control_service. Ponowna próba może pomóc.";
    error_conflict: "Not possible now", "Teraz to niemożliwe";
    error_method: "Not possible this way", "Tak się nie da";
    error_method_text: "This address does not take this kind of request.",
        "Ten adres nie przyjmuje takich żądań.";
}
