### Signing in.

login-title = Sign in
login-lead = Sign in to see and control what runs on this board.
login-hint = Forgotten? Set a new password on the board’s console:
user-name = User name
password = Password
password-again = Password, once more
sign-in = Sign in
fill-both = Enter both the user name and the password.
wrong-credentials = The user name or the password is wrong.
too-many = Too many attempts. Wait a while and try again.
too-many-wait = Too many attempts. Try again in { $wait }.
auth-down = The sign-in service does not answer just now. It is restarted by itself; try again in a few seconds.
otp-title = Second step
otp-lead = Enter the code that your authenticator app shows now, or one of your recovery codes.
otp-code = Code
otp-wrong = This code is not right, or was used already. Wait for the next one. If it keeps happening, compare the time of your phone with that of the board.
otp-too-late = The second step took too long. Enter your password again.
otp-hint = Authenticator lost? Turn the second factor off on the board’s console:
password-known = The password of this account is known to the world: it is the one that the original came with. Choose another one to sign in.
password-new = New password
password-new-title = Choose a new password
start-again = Start again
