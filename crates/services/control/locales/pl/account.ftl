### Własne konto.

account-title = Twoje konto
account-lead = Gdzie jesteś zalogowany, jak potwierdzasz tożsamość i klucze dla twoich programów.
sessions = Sesje
col-device = Urządzenie
col-address = Adres
col-began = Zalogowano
col-used = Ostatnio użyto
this-session = ta
device-api = Programowy dostęp
device-unknown = Nieznane urządzenie
end-session = Wyloguj
end-others = Wyloguj wszystkie inne
did-sign-out = Wylogowano sesję.
did-sign-out-others = Wylogowano wszystkie inne sesje.
factor = Drugi składnik
factor-on = włączony
factor-off = wyłączony
factor-on-text = Logowanie wymaga dodatkowo kodu z aplikacji uwierzytelniającej. { $count ->
        [one] Pozostał jeden kod odzyskiwania.
        [few] Pozostały { $count } kody odzyskiwania.
       *[many] Pozostało { $count } kodów odzyskiwania.
    }
factor-off-text = Z drugim składnikiem ktoś, kto pozna twoje hasło, i tak się nie zaloguje. Potrzebujesz aplikacji uwierzytelniającej w telefonie.
factor-clock = Urządzenie nie zna aktualnego czasu, więc kodów nie da się sprawdzić, dopóki zegar nie zostanie ustawiony. Kody odzyskiwania działają.
factor-begin = Włącz
factor-end = Wyłącz
factor-codes = Nowe kody odzyskiwania
factor-is-off = Drugi składnik jest wyłączony albo nie rozpoczęto jego włączania.
factor-is-on = Drugi składnik jest już włączony.
did-factor-off = Drugi składnik jest wyłączony.
enrol-title = Włączanie drugiego składnika
enrol-scan = Zeskanuj to aplikacją uwierzytelniającą, a potem podaj sześć cyfr, które pokaże.
enrol-again = Podaj sześć cyfr, które pokazuje teraz aplikacja uwierzytelniająca.
enrol-open = Otwórz w aplikacji na tym urządzeniu
enrol-secret = Nie możesz zeskanować? Przepisz to:
codes-title = Kody odzyskiwania
codes-lead = Drugi składnik jest włączony. Zachowaj te kody tam, gdzie znajdziesz je bez telefonu: każdy pozwala zalogować się jeden raz zamiast kodu. Nie zostaną pokazane ponownie.
shown-done = Zapisałem
reauth-title = Czy to ty?
reauth-lead = Od zalogowania minęło trochę czasu, a to, co chcesz zrobić, byłoby groźne w cudzych rękach. Podaj hasło jeszcze raz; przez dziesięć minut nie będzie potrzebne. Potem powtórz czynność.
reauth-button = Potwierdź
did-reauth = Dziękujemy. Teraz powtórz czynność.
wrong-password = Nieprawidłowe hasło.
tokens = Tokeny API
tokens-lead = Dla twoich skryptów: token ma tylko te uprawnienia, które mu nadasz, nigdy większe niż twoje.
tokens-none = Nie ma jeszcze tokenów.
col-name = Nazwa
col-scope = Uprawnienia
col-expires = Wygasa
never-used = nigdy
revoke = Unieważnij
did-revoke = Token unieważniono. Od teraz wszędzie będzie odrzucany.
token-new = Nowy token
token-name-hint = Do czego służy, na przykład skrypt ogrodowy.
token-scope-hint = Oddzielone spacjami: info:* lub gpio:relay1:write lub process:camera:restart.
token-days = Ważny przez (dni)
token-make = Utwórz token
token-title = Nowy token API
token-lead = Skopiuj go teraz, nie zostanie pokazany ponownie. Wysyłaj go w nagłówku Authorization: Bearer, a po nim token.
scope-refused = Takich uprawnień nie można nadać: { $reason }
