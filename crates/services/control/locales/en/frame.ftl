### What surrounds every page.

skip = Skip to the content
nav-main = Main
nav-home = Home
nav-api = API
signed-in-as = Signed in as
sign-out = Sign out
language = Language
theme = Theme
theme-auto = Auto
theme-light = Light
theme-dark = Dark
cancel = Cancel
try-again = Try again
no-answer = The board does not answer. It may be restarting; try again in a few seconds.
to-home = To the home page
