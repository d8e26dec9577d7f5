### Interfejsy usług.

api-title = Interfejsy dla programów
api-lead = Każda usługa opisuje swój interfejs HTTP; można go wypróbować w przeglądarce, używając tokenu z usługi auth.
api-auth = Użytkownicy, sesje i tokeny.
api-supervisor = Programy: lista, start, stop, dzienniki i zdarzenia.
api-email = Wysyłanie poczty.
api-info = Sieć, pogoda i urządzenie.
api-io = Linie GPIO: odczyt i ustawianie.
api-rules = Reguły, kanały i co zrobiły.
ca-title = Certyfikat
ca-lead = Zainstaluj ten certyfikat główny na telefonie lub komputerze, a przeglądarka zaufa temu urządzeniu bez ostrzeżeń.
ca-download = Pobierz certyfikat główny
ca-none = Nie ma certyfikatu głównego: brama jeszcze go nie utworzyła albo używa twojego własnego certyfikatu.
