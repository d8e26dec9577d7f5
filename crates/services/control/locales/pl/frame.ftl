### To, co otacza każdą stronę.

skip = Przejdź do treści
nav-main = Główna nawigacja
nav-home = Start
nav-api = API
signed-in-as = Zalogowano jako
sign-out = Wyloguj
language = Język
theme = Motyw
theme-auto = Auto
theme-light = Jasny
theme-dark = Ciemny
cancel = Anuluj
try-again = Spróbuj ponownie
no-answer = Urządzenie nie odpowiada. Być może właśnie się restartuje; spróbuj ponownie za kilka sekund.
to-home = Na stronę startową
