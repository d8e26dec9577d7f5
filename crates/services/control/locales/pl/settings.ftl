### Ustawienia.

set-title = Ustawienia
set-look = Język i motyw
set-channels = Kanały
set-channels-lead = Tędy urządzenie zawiadamia ludzi o tym, co się dzieje: z reguł i o sprawach kont.
set-no-channels = Nie ma jeszcze żadnego kanału. Dopisz go w pliku pistack.toml:
set-to = Dokąd
set-last = Ostatnia wiadomość
set-test = Wyślij próbną
set-test-sent = Próbna wiadomość przeszła przez kanał { $channel }.
set-test-failed = Próbna wiadomość nie przeszła przez kanał { $channel }: { $reason }
set-sent = wysłana
set-handed-over = przekazana do zapasowego
set-waiting = czeka
set-failed = nieudana
set-unused = jeszcze żadna
set-waiting-count = { $count ->
    [one] jedna wiadomość czeka
    [few] { $count } wiadomości czekają
   *[many] { $count } wiadomości czeka
}
set-rules-down = Usługa reguł chwilowo nie odpowiada.
set-gateway-down = Brama chwilowo o tym nie informuje.
set-trust = Zeskanuj to telefonem albo otwórz tę stronę na urządzeniu, które ma zaufać płytce. Są na niej kroki dla każdego systemu; porównaj odcisk podany niżej.
set-root = Certyfikat główny lokalnego urzędu
set-local = Certyfikat tego urządzenia
set-configured = Twój certyfikat z konfiguracji
set-imported = Twój certyfikat, zaimportowany
set-acme = Certyfikat publicznego urzędu
set-not-shown = niepokazywany przeglądarkom
set-for = Dla
set-issuer = Podpisany przez
set-until = Ważny do
set-fingerprint = SHA-256
set-days-left = { $days ->
    [one] pozostał jeden dzień
    [few] pozostały { $days } dni
   *[many] pozostało { $days } dni
}
set-good = w porządku
set-soon = wkrótce wygaśnie
set-bad = niedobry
set-copies = Kopie kont
set-copies-lead = { $count ->
    [one] Kopia kont powstaje codziennie, a najnowsza pozostaje na urządzeniu. Gdy konta ulegną uszkodzeniu, zajmuje ich miejsce.
    [few] Kopia kont powstaje codziennie, a { $count } najnowsze pozostają na urządzeniu. Gdy konta ulegną uszkodzeniu, ich miejsce zajmuje najnowsza dobra.
   *[many] Kopia kont powstaje codziennie, a { $count } najnowszych pozostaje na urządzeniu. Gdy konta ulegną uszkodzeniu, ich miejsce zajmuje najnowsza dobra.
}
set-no-copies = Nie ma jeszcze kopii. Pierwsza powstaje dwie minuty po uruchomieniu.
set-copies-elsewhere = Konta leżą na serwerze baz danych. Tam trzeba robić ich kopie.
set-copy = Kopia
set-copy-now = Zrób kopię teraz
set-size = Rozmiar
set-did-copy = Kopia została zrobiona.
set-routes = Obowiązujące trasy
set-routes-lead = Co brama kieruje dokąd i komu wolno. Liczone od jej uruchomienia.
set-path = Adres
set-who = Dla kogo
set-requests = Żądania
set-request-count = { $requests }, w tym nieudanych: { $errors }
set-route-down = nie działa
set-update = pistack nigdy nie aktualizuje się sam. Z pakietem Debiana:
set-configuration = Z których plików czytana jest konfiguracja i czy są poprawne, mówi konsola:
