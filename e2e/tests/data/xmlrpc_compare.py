"""Asks a supervisor everything its HTTP surface offers, in a fixed order, and prints each answer with pids, times and
paths masked: one JSON object a line. Run against two supervisors, the lines can be compared.

    xmlrpc_compare.py FOLDER PORT      FOLDER holds the socket s.sock; user and password are `user` and `secret`
"""
import base64, datetime, http.client, json, os, re, socket, sys, time, xmlrpc.client
from xml.parsers.expat import ExpatError
from supervisor.xmlrpc import SupervisorTransport, gettags

FOLDER, PORT = os.path.realpath(sys.argv[1]), int(sys.argv[2])
SOCKET = os.path.join(FOLDER, 's.sock')
TIMES = ('start', 'stop', 'now')


def mask_text(text):
    text = text.replace(FOLDER, 'HERE').replace(str(PORT), 'PORT')
    text = re.sub(r'-(stdout|stderr)---compare-[A-Za-z0-9_]+\.log', r'-\1---compare-X.log', text)
    text = re.sub(r'pid \d+, uptime \d+:\d\d:\d\d', 'pid N, uptime H:MM:SS', text)
    text = re.sub(r'^[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M$', 'DATE', text)
    return text


def mask(value):
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, list):
        return [mask(item) for item in value]
    if isinstance(value, dict):
        masked = {}
        for key, item in value.items():
            if key in TIMES and isinstance(item, int):
                item = 'TIME' if abs(item - time.time()) < 600 else item
            elif key == 'pid' and isinstance(item, int):
                item = 'PID' if item > 0 else item
            elif 'autorestart' == key:
                continue  # told by 4.4 and by ours, see ADDED in the Rust test
            masked[key] = mask(item)
        return masked
    return value


def show(label, answer):
    print(json.dumps({'step': label, 'answer': answer if isinstance(answer, str) else repr(answer)}), flush=True)


def proxy():
    return xmlrpc.client.ServerProxy('http://127.0.0.1', transport=SupervisorTransport(None, None, 'unix://' + SOCKET))


def guarded(function, *args):
    try:
        return mask(function(*args))
    except xmlrpc.client.Fault as fault:
        return ('fault', fault.faultCode, mask_text(fault.faultString))
    except xmlrpc.client.ProtocolError as error:
        return ('http', error.errcode)
    except ExpatError:
        return ('unreadable',)
    except (OSError, http.client.HTTPException) as error:
        return ('connection', type(error).__name__)


unix = proxy()


def call(name, *args, label=None):
    global unix
    function = unix
    for part in name.split('.'):
        function = getattr(function, part)
    answer = guarded(function, *args)
    if 'stop' in name and isinstance(answer, list):
        answer.sort(key=lambda row: (row['group'], row['name']))  # the order in which they happened to end
    show(label or mask_text('%s%r' % (name, args)), answer)
    return answer


def s(name, *args):
    label = None
    if any(isinstance(arg, xmlrpc.client.Binary) for arg in args):
        label = '%s with bytes' % name
    return call('supervisor.' + name, *args, label=label)


def wait(name, *states):
    """Waits until a process is in one of the states."""
    for _ in range(600):
        info = unix.supervisor.getProcessInfo(name)
        if info['statename'] in states:
            return
        time.sleep(0.02)
    show('wait for %s to be %s' % (name, '/'.join(states)), 'gave up at ' + info['statename'])


def wait_file(path, text):
    for _ in range(600):
        try:
            with open(os.path.join(FOLDER, path), 'rb') as file:
                if text in file.read():
                    return
        except OSError:
            pass
        time.sleep(0.02)
    show('wait for ' + path, 'gave up')


PLAIN = ('getAPIVersion', 'getVersion', 'getSupervisorVersion', 'getIdentification', 'getPID', 'getState',
         'clearLog', 'shutdown', 'restart', 'reloadConfig', 'clearAllProcessLogs', 'getAllProcessInfo',
         'getAllConfigInfo')
NAMED = ('addProcessGroup', 'removeProcessGroup', 'startProcess', 'stopProcess', 'startProcessGroup',
         'stopProcessGroup', 'getProcessInfo', 'clearProcessLog', 'clearProcessLogs')
RANGED = ('readProcessLog', 'readProcessStdoutLog', 'readProcessStderrLog', 'tailProcessLog', 'tailProcessStdoutLog',
          'tailProcessStderrLog')
ODD = (5, True, 1.5, [], {}, xmlrpc.client.Binary(b'cat'), xmlrpc.client.DateTime(datetime.datetime(2026, 1, 2)))


def system_methods():
    methods = call('system.listMethods')
    for name in methods:
        call('system.methodSignature', name)
        parsed = gettags(unix.system.methodHelp(name))
        show('help of ' + name, [tag[1:3] for tag in parsed if tag[1] in ('param', 'return')])
    for name in ('supervisor.nope', '', 'supervisor', 'system', 'supervisor._update', 'other.thing', 'getState'):
        call('system.methodHelp', name)
        call('system.methodSignature', name)
    for name in ('listMethods', 'methodHelp', 'methodSignature', 'multicall'):
        call('system.' + name, 'a', 'b', 'c')
    call('system.methodHelp')
    call('system.methodSignature')
    call('system.methodHelp', 5)
    call('system.methodSignature', [])
    for name in ('nope', 'supervisor.nope', 'supervisor', 'supervisor.getState.x', 'supervisor._update', '_x.y',
                 'system._listMethods', 'system.namespaces', 'supervisor.supervisord', 'supervisor.hit', 'a.b', '.',
                 'supervisor.', '.getState', 'supervisor.__init__', 'supervisor.update_text'):
        call('system.multicall', [{'methodName': name}], label='method ' + name)


def arity():
    for name in PLAIN:
        s(name, 'extra')
    for name in NAMED:
        s(name)
        s(name, 'cat', True, 'extra')
    for name in RANGED:
        s(name)
        s(name, 'cat')
        s(name, 'cat', 0)
        s(name, 'cat', 0, 0, 0)
    for name in ('readLog', 'readMainLog'):
        s(name)
        s(name, 0)
        s(name, 0, 0, 0)
    for name in ('signalProcess', 'signalProcessGroup', 'sendProcessStdin', 'sendRemoteCommEvent'):
        s(name)
        s(name, 'cat')
        s(name, 'cat', 'x', 'y')
    for name in ('startAllProcesses', 'stopAllProcesses'):
        s(name, True, True)
    s('signalAllProcesses')
    s('signalAllProcesses', 'HUP', 'HUP')


def odd_types():
    for odd in ODD:
        label = type(odd).__name__
        for name in NAMED:
            call('supervisor.' + name, odd, label='%s of a %s' % (name, label))
        for name in RANGED:
            call('supervisor.' + name, odd, 0, 0, label='%s of a %s' % (name, label))
        call('supervisor.signalProcess', odd, 'HUP', label='signalProcess of a ' + label)
        call('supervisor.signalProcessGroup', odd, 'HUP', label='signalProcessGroup of a ' + label)
        call('supervisor.sendProcessStdin', odd, 'x', label='sendProcessStdin of a ' + label)
        if label != 'Binary':
            call('supervisor.sendProcessStdin', 'cat', odd, label='sendProcessStdin to cat of a ' + label)
    for offset in ('0', 'x', 1.7, True, ''):
        s('readProcessLog', 'talker', offset, 0)
        s('tailProcessLog', 'talker', offset, 5)
        s('readLog', offset, 1)
    s('startProcess', 'cat')


def names():
    for name in ('nope', 'nope:cat', 'pets', 'pets:nope', 'cat:cat', 'cat:dog', '', ':', 'a:b:c', 'CAT', ' cat', 'pets:',
                 'pets:*', 'nope:*', '*', 'zażółć', 'worker', 'worker:worker_00'):
        for method in ('getProcessInfo', 'clearProcessLogs'):
            s(method, name)
        if name not in ('pets:', 'pets:*'):
            for method in ('startProcess', 'stopProcess', 'removeProcessGroup', 'addProcessGroup', 'startProcessGroup',
                           'stopProcessGroup'):
                if not (method.endswith('Group') and name in ('pets', 'worker')) and (method, name) not in (
                        ('stopProcess', 'cat:cat'), ('stopProcess', 'worker:worker_00'), ('startProcess', 'worker:worker_00')):
                    s(method, name)
        s('readProcessStdoutLog', name, 0, 0) if name not in ('cat:cat', 'worker:worker_00') else None
        s('tailProcessStderrLog', name, 0, 10) if name not in ('cat:cat', 'worker:worker_00') else None
        s('signalProcess', name, '0') if name != 'pets' else None
        s('sendProcessStdin', name, '')


def logs():
    wait_file('talker.log', b'out 9\n')
    wait_file('talker.err', b'err 9\n')
    wait_file('stubborn.log', b'ready\n')
    for method in ('readProcessLog', 'readProcessStdoutLog', 'readProcessStderrLog'):
        for offset, length in ((0, 0), (0, 7), (3, 4), (1000, 0), (1000, 5), (-7, 0), (-7, 1), (-100000, 0), (0, -1),
                               (-1, -1), (5, 100000), (58, 5)):
            s(method, 'talker', offset, length)
    for method in ('tailProcessLog', 'tailProcessStdoutLog', 'tailProcessStderrLog'):
        for offset, length in ((0, 0), (0, 7), (3, 4), (1000, 0), (1000, 5), (0, 100000), (-7, 5), (0, -5), (56, 4),
                               (59, 1), (60, 1), (55, 100)):
            s(method, 'talker', offset, length)
    for name in ('nolog', 'merged', 'never'):
        for method in ('readProcessStdoutLog', 'readProcessStderrLog'):
            s(method, name, 0, 0)
        for method in ('tailProcessStdoutLog', 'tailProcessStderrLog'):
            s(method, name, 0, 10)
    wait_file('utf.log', b'end\n')
    s('readProcessLog', 'utf', 0, 0)
    s('tailProcessLog', 'utf', 0, 4)
    s('tailProcessLog', 'utf', 0, 10)  # cuts a character
    for name in ('garbled', 'control'):
        wait_file(name + '.log', b'end\n')
        s('readProcessLog', name, 0, 0)
        s('tailProcessLog', name, 0, 100)
    s('clearProcessLog', 'talker')
    s('readProcessLog', 'talker', 0, 0)
    s('tailProcessLog', 'talker', 0, 10)
    s('clearProcessLogs', 'never')
    s('clearProcessLogs', 'nolog')
    s('clearAllProcessLogs')
    text = unix.supervisor.readLog(0, 0)
    for line in ("spawned: 'cat' with pid ", 'success: cat entered RUNNING state, process has stayed up for > than 0 seconds'):
        show('main log has ' + line, line in text)
    show('the end of the main log', unix.supervisor.readLog(-5, 0) == unix.supervisor.readMainLog(-5, 0))
    s('readLog', -1, 1)
    s('readLog', 0, -1)
    s('readLog', 10 ** 8, 0)
    s('readLog', 10 ** 8, 5)


def states():
    # STOPPED, never started
    for method in ('stopProcess', 'getProcessInfo'):
        s(method, 'never')
    s('signalProcess', 'never', 'HUP')
    s('sendProcessStdin', 'never', 'x')
    # STARTING
    s('startProcess', 'slow', False)
    s('getProcessInfo', 'slow')
    s('startProcess', 'slow')
    s('startProcess', 'slow', False)
    s('signalProcess', 'slow', 'CONT')
    s('stopProcess', 'slow')
    s('getProcessInfo', 'slow')
    s('startProcess', 'slow')
    s('stopProcess', 'slow', False)
    wait('slow', 'STOPPED')
    # RUNNING
    s('getProcessInfo', 'cat')
    s('startProcess', 'cat')
    s('startProcess', 'cat', False)
    for signal in ('0', 0, 'CONT', 'SIGCONT', 'sigcont', ' cont ', '18', 18, 18.5, 'NOPE', '', '99', 99, '-1', -1, []):
        s('signalProcess', 'cat', signal)
    for signal in (True, '64', 'usr1'):
        s('signalProcess', 'mortal', signal)
        wait('mortal', 'EXITED')
        s('getProcessInfo', 'mortal')
        s('startProcess', 'mortal')
    s('sendProcessStdin', 'cat', 'hello żółw\n')
    wait_file('cat.log', 'żółw\n'.encode())
    s('sendProcessStdin', 'cat', xmlrpc.client.Binary('bytes\n'.encode()))
    wait_file('cat.log', b'bytes\n')
    s('readProcessLog', 'cat', 0, 0)
    s('sendProcessStdin', 'deaf', 'x')
    # STOPPING
    s('stopProcess', 'stubborn', False)
    s('getProcessInfo', 'stubborn')
    s('stopProcess', 'stubborn')
    s('startProcess', 'stubborn')
    s('signalProcess', 'stubborn', 'CONT')
    s('sendProcessStdin', 'stubborn', 'x')
    s('removeProcessGroup', 'stubborn')
    wait('stubborn', 'STOPPED')
    s('getProcessInfo', 'stubborn')
    # EXITED, expected or not
    wait('once', 'EXITED')
    wait('bad', 'EXITED')
    for name in ('once', 'bad', 'killed'):
        if name == 'killed':
            os.kill(unix.supervisor.getProcessInfo(name)['pid'], 9)
            wait(name, 'EXITED')
        s('getProcessInfo', name)
        s('stopProcess', name)
        s('signalProcess', name, 'HUP')
        s('sendProcessStdin', name, 'x')
    # starts that cannot be
    for name in ('missing', 'notexec', 'dir', 'badcommand', 'nopath'):
        s('startProcess', name)
        s('startProcess', name, False)
        s('getProcessInfo', name)
    s('startProcess', 'fail')
    wait('fail', 'FATAL')
    s('getProcessInfo', 'fail')
    s('stopProcess', 'fail')
    s('signalProcess', 'fail', 'HUP')
    # BACKOFF
    s('startProcess', 'backoff', False)
    time.sleep(2.6)
    wait('backoff', 'BACKOFF')
    s('getProcessInfo', 'backoff')
    s('startProcess', 'backoff')
    s('signalProcess', 'backoff', 'HUP')
    s('stopProcess', 'backoff')
    s('getProcessInfo', 'backoff')


def groups():
    for method in ('stopProcessGroup', 'startProcessGroup', 'startProcessGroup', 'stopProcessGroup', 'stopProcessGroup'):
        s(method, 'pets')
    s('startProcess', 'pets:*')
    s('startProcess', 'pets:*')
    s('stopProcess', 'pets:')
    s('startProcess', 'pets:', False)
    wait('pets:dog', 'RUNNING')
    wait('pets:fish', 'RUNNING')
    s('stopProcess', 'pets:dog')
    s('startProcessGroup', 'pets')
    s('signalProcessGroup', 'pets', 'CONT')
    s('signalProcess', 'pets:*', 'CONT')
    s('signalProcessGroup', 'pets', 'NOPE')
    s('signalProcessGroup', 'nope', 'CONT')
    s('signalProcessGroup', 'nope', 'NOPE')
    s('signalAllProcesses', 'NOPE')
    s('signalAllProcesses', 'CONT')
    s('removeProcessGroup', 'pets')
    s('stopProcessGroup', 'pets')
    s('removeProcessGroup', 'pets')
    s('getProcessInfo', 'pets:dog')
    s('removeProcessGroup', 'pets')
    s('addProcessGroup', 'pets')
    s('addProcessGroup', 'pets')
    s('addProcessGroup', 'nope')
    wait('pets:dog', 'RUNNING')
    s('getProcessInfo', 'pets:dog')


def reloading():
    path = os.path.join(FOLDER, 'x.conf')
    with open(path) as file:
        original = file.read()
    s('reloadConfig')
    with open(path, 'w') as file:
        file.write(original.replace('command=cat ; changed', 'command=cat -u').replace('[program:once]', '[program:other]')
                   + '\n[program:fresh]\ncommand=cat\nstartsecs=0\n')
    s('reloadConfig')
    s('getAllConfigInfo')
    s('addProcessGroup', 'fresh')
    wait('fresh', 'RUNNING')
    s('reloadConfig')
    s('removeProcessGroup', 'once')
    s('reloadConfig')
    for broken in ('[program:broken]\n', '[program:broken]\ncommand=cat\nstartsecs=x\n', 'nonsense\n', '[program:a:b]\ncommand=cat\n',
                   '[group:g]\nprograms=nobody\n', '[eventlistener:l]\ncommand=cat\n', '[program:u]\ncommand=cat\nuser=no-such-user\n',
                   '[program:e]\ncommand=%(nope)s\n', '[program:n]\ncommand=cat\nnumprocs=2\n',
                   '[program:s]\ncommand=cat\nstopsignal=NOPE\n', '[program:a]\ncommand=cat\nautorestart=maybe\n'):
        with open(path, 'w') as file:
            file.write(original + '\n' + broken)
        call('supervisor.reloadConfig', label='reloadConfig with ' + broken)
    with open(path, 'w') as file:
        file.write(original)
    s('reloadConfig')


def multicall():
    def m(*calls):
        call('system.multicall', list(calls))
    def c(name, *params):
        return {'methodName': name, 'params': list(params)}
    m()
    m(c('supervisor.getAPIVersion'), c('supervisor.getState'), c('system.listMethods', 1), c('supervisor.nope'),
      c('supervisor.getProcessInfo', 'nope'), c('system.multicall', []), {}, {'params': []}, {'methodName': 'supervisor.getVersion'},
      c('supervisor.getVersion', 1))
    m(c('supervisor.stopProcess', 'cat'), c('supervisor.getProcessInfo', 'cat'), c('supervisor.stopProcess', 'cat'),
      c('supervisor.startProcess', 'cat'), c('supervisor.startProcess', 'cat'), c('supervisor.tailProcessLog', 'talker', 0, 0))
    m(c('supervisor.stopProcess', 'pets:dog'), c('supervisor.stopProcess', 'pets:fish'), c('supervisor.startProcessGroup', 'pets'), c('supervisor.startProcess', 'missing'))
    call('system.multicall', 'abc')
    call('system.multicall', 5)
    call('system.multicall', {})
    call('system.multicall', [5])
    call('system.multicall', ['x'])
    call('system.multicall', [{'methodName': 5}])
    call('system.multicall', [{'methodName': 'supervisor.getVersion', 'params': 'x'}])
    call('system.multicall', [{'methodName': 'supervisor.getProcessInfo', 'params': ['cat', 'x']}])


def post(body, method='POST', path='/RPC2', patience=20):
    """One request over the unix socket; status and reason, and the headers that a client looks at."""
    head = '%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % (method, path, len(body))
    return raw(head.encode() + body, patience=patience)


def connect(inet=False):
    if inet:
        sock = socket.create_connection(('127.0.0.1', PORT))
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(SOCKET)
    return sock


def read_answer(sock, until=None):
    response = http.client.HTTPResponse(sock)
    response.begin()
    body = b''
    if until is None:
        body = response.read()
    else:
        while until not in body:
            piece = response.read1(65536)
            if not piece:
                break
            body += piece
    kept = {name.lower(): value for name, value in response.getheaders()
            if name.lower() in ('content-type', 'www-authenticate', 'transfer-encoding', 'x-accel-buffering')}
    if response.status >= 400 or response.status == 301:
        kept.pop('content-type', None)  # whose words an error has is its own affair
        body = b''
    return response.status, response.reason, kept, body


def raw(request, inet=False, until=None, patience=20):
    sock = connect(inet)
    sock.settimeout(patience)
    try:
        sock.sendall(request)
        status, reason, kept, body = read_answer(sock, until)
        return status, reason, sorted(kept.items()), mask_text(body.decode('utf-8', 'replace'))
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        sock.close()


CALL = "<?xml version='1.0'?><methodCall><methodName>%s</methodName>%s</methodCall>"


def framing():
    ok = (CALL % ('supervisor.getAPIVersion', '<params></params>')).encode()
    def step(label, answer):
        show('raw: ' + label, answer)
    step('a plain call', post(ok))
    step('no params', post((CALL % ('supervisor.getAPIVersion', '')).encode()))
    step('bare value', post((CALL % ('supervisor.getProcessInfo', '<params><param><value>nope</value></param></params>')).encode()))
    step('i4', post((CALL % ('supervisor.readLog', '<params><param><value><i4>100000000</i4></value></param><param><value><i4>5</i4></value></param></params>')).encode()))
    step('spaces in values', post((CALL % ('supervisor.getProcessInfo', '\n<params>\n <param>\n <value>\n <string>nope</string>\n </value>\n </param>\n</params>\n')).encode()))
    step('no method', post(b"<?xml version='1.0'?><methodCall></methodCall>"))
    step('empty method', post((CALL % ('', '')).encode()))
    step('not XML', post(b'hello'))
    step('empty', post(b'', patience=2))
    step('unclosed', post(b'<methodCall><methodName>supervisor.getState</methodName>'))
    step('bad int', post((CALL % ('supervisor.readLog', '<params><param><value><int>x</int></value></param></params>')).encode()))
    step('nil', post((CALL % ('supervisor.getProcessInfo', '<params><param><value><nil/></value></param></params>')).encode()))
    step('entities', post((CALL % ('supervisor.getProcessInfo', '<params><param><value><string>a&amp;&lt;b&#65;</string></value></param></params>')).encode()))
    step('trailing path', post(ok, path='/RPC2/more'))
    step('longer path', post(ok, path='/RPC22'))
    step('query', post(ok, path='/RPC2?x=1'))
    for method in ('GET', 'PUT', 'HEAD', 'DELETE', 'OPTIONS'):
        if method != 'HEAD':
            step(method + ' of RPC2', post(b'', method=method))
    step('no length', raw(b'POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    step('POST of logtail', post(b'', path='/logtail/cat'))
    step('PUT of mainlogtail', post(b'', method='PUT', path='/mainlogtail'))
    for path in ('/nope', '/logtail/nope', '/logtail/pets:nope', '/logtail/nolog', '/logtail/pets', '/logtail/cat/other', '/nope.html', '/../../etc/passwd',
                 '/stylesheets/nope.css'):
        step('GET ' + path, raw(('GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n' % path).encode()))
    step('ok.html', raw(b'GET /ok.html HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    # the "must tolerate" row
    head = b'POST /RPC2 HTTP/1.1\r\nHost:%s\r\n%sContent-Length: ' + str(len(ok)).encode() + b'\r\n\r\n'
    step('empty Host', raw(head % (b'', b'') + ok))
    step('empty Host and space', raw(head % (b' ', b'') + ok))
    step('no Host', raw(b'POST /RPC2 HTTP/1.1\r\nContent-Length: ' + str(len(ok)).encode() + b'\r\n\r\n' + ok))
    step('Accept-Encoding: chunked', raw(head % (b' x', b'Accept-Encoding: chunked\r\n') + ok))
    step('Basic Og==', raw(head % (b' x', b'Authorization: Basic Og==\r\n') + ok))
    step('HTTP/1.0', raw(b'POST /RPC2 HTTP/1.0\r\nContent-Length: ' + str(len(ok)).encode() + b'\r\n\r\n' + ok))
    step('HTTP/1.0 keep-alive', raw(b'POST /RPC2 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: ' + str(len(ok)).encode() + b'\r\n\r\n' + ok))
    tail = b'GET /logtail/cat HTTP/1.1\r\nHost: \r\nAccept-Encoding: chunked\r\nAccept: */*\r\nUser-agent: Supervisor HTTP Client\r\n\r\n\r\n'
    step('tail -f as supervisorctl sends it', raw(tail, until=b'bytes\n'))
    step('tail of the group:name', raw(tail.replace(b'tail/cat', b'tail/cat:cat'), until=b'bytes\n'))
    step('tail of group%3Aname/stdout', raw(tail.replace(b'tail/cat', b'tail/cat%3Acat/stdout'), until=b'bytes\n'))
    s('stopProcess', 'errs')
    s('startProcess', 'errs')  # its log was cleared
    step('tail of stderr', raw(tail.replace(b'tail/cat', b'tail/errs/stderr'), until=b'err\n'))
    main = raw(tail.replace(b'/logtail/cat', b'/mainlogtail'), until=b'\n')
    step('mainlogtail', main[:3])
    # three calls on one connection, then an extra CRLF between two
    sock = connect()
    sock.settimeout(20)
    request = head % (b' localhost', b'') + ok
    for number in range(3):
        sock.sendall(request)
        step('call %d of a connection' % number, read_answer(sock)[:2])
    sock.sendall(b'\r\n' + request)
    step('a call after an extra CRLF', read_answer(sock)[:2])
    sock.sendall(request + request)
    first = read_answer(sock)[:2]
    step('two calls at once', first)
    sock.close()


def authorised(pair):
    return 'Authorization: Basic %s\r\n' % base64.b64encode(pair).decode() if pair is not None else ''


def inet():
    ok = (CALL % ('supervisor.getAPIVersion', '')).encode()
    def ask(pair, path='/RPC2', method='POST', until=None, extra=''):
        body = ok if method == 'POST' else b''
        text = '%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s%s' % (method, path, PORT, authorised(pair), extra)
        if method == 'POST':
            text += 'Content-Length: %d\r\n' % len(body)
        return raw(text.encode() + b'\r\n' + body, inet=True, until=until)
    for pair in (b'user:secret', b'user:wrong', b'other:secret', b':', b'user:', b'user', None, b'user:secret2', b'user:' + b'x' * 500):
        show('inet RPC2 as %.20r' % pair, ask(pair))
        show('inet logtail as %.20r' % pair, ask(pair, '/logtail/cat', 'GET', until=b'bytes\n'))
        show('inet ok.html as %.20r' % pair, ask(pair, '/ok.html', 'GET'))
        show('inet nothing as %.20r' % pair, ask(pair, '/nope', 'GET'))
    show('inet digest', ask(None, extra='Authorization: Digest abc\r\n'))
    show('inet lower case basic', ask(None, extra='Authorization: basic dXNlcjpzZWNyZXQ=\r\n'))
    url = 'http://127.0.0.1:%d' % PORT
    for user, password in (('user', 'secret'), ('user', 'wrong')):
        inet = xmlrpc.client.ServerProxy(url, transport=SupervisorTransport(user, password, url))
        show('inet transport %s:%s' % (user, password), guarded(inet.supervisor.getState))
        show('inet fault %s:%s' % (user, password), guarded(inet.supervisor.getProcessInfo, 'nope'))
        plain = xmlrpc.client.ServerProxy('http://%s:%s@127.0.0.1:%d/RPC2' % (user, password, PORT))
        show('inet ServerProxy %s:%s' % (user, password), guarded(plain.supervisor.getIdentification))


def pages():
    def get(path):
        sock = connect()
        sock.sendall(('GET %s HTTP/1.1\r\nHost: pi:9001\r\n\r\n' % path).encode())
        response = http.client.HTTPResponse(sock)
        response.begin()
        body = response.read()
        sock.close()
        return response, body
    for path in ('/', '/index.html', '/tail.html', '/tail.html?processname=cat', '/tail.html?processname=cat&limit=3000',
                 '/tail.html?processname=cat&limit=x', '/tail.html?processname=nope', '/tail.html?processname=nolog', '/?message=hello', '/ok.html'):
        response, body = get(path)
        show('page ' + path, (response.status, response.getheader('Content-Type')))
    for query in ('action=refresh', 'action=stop&processname=cat', 'action=stop&processname=cat', 'action=start&processname=cat',
                  'action=start&processname=cat', 'action=restart&processname=cat', 'action=clearlog&processname=cat',
                  'action=start&processname=missing', 'action=start&processname=notexec', 'action=start&processname=nope',
                  'action=start&processname=fail', 'action=start&processname=pets:nope', 'action=nope&processname=cat',
                  'action=nope', 'action=start', 'action=restart&processname=pets:dog', 'processname=cat',
                  'action=clearlog&processname=nope', 'action=restart&processname=never', 'action=stop&processname=never'):
        response, body = get('/index.html?' + query)
        location = re.sub(r'%20at%20.*', ' at TIME', response.getheader('Location') or '')
        show('page ?' + query, (response.status, location))
        if query == 'action=start&processname=fail':
            wait('fail', 'FATAL')


def ending():
    s('stopAllProcesses')
    s('getAllProcessInfo')
    s('startProcessGroup', 'pets', False)
    s('stopAllProcesses')
    s('startProcess', 'stubborn')
    wait_file('stubborn.log', b'ready\n')  # the logs were cleared after it said so first
    s('sendRemoteCommEvent', 'kind', 'data')
    s('sendRemoteCommEvent', 5, 'data')
    s('clearLog')
    s('shutdown')
    for name in ('getState', 'getAPIVersion', 'getAllProcessInfo', 'shutdown', 'restart', 'reloadConfig'):
        s(name)
    s('startProcess', 'cat')
    s('getProcessInfo', 'nope')
    s('sendRemoteCommEvent', 'kind', 'data')
    call('system.listMethods')


for name in ('cat', 'errs', 'pets:dog', 'pets:fish', 'stubborn', 'talker', 'nolog', 'utf', 'garbled', 'control', 'killed', 'ear', 'mortal', 'deaf',
             'worker:worker_00', 'worker:worker_01', 'merged'):
    wait(name, 'RUNNING')
wait('once', 'EXITED')
wait('bad', 'EXITED')
for name in PLAIN:
    if name not in ('clearLog', 'shutdown', 'restart', 'reloadConfig', 'clearAllProcessLogs', 'getPID'):
        s(name)
show('getPID', unix.supervisor.getPID() > 1)
for part in (system_methods, arity, odd_types, names, logs, states, groups, reloading, multicall, framing, inet, pages, ending):
    show('--- ' + part.__name__, '')
    began = time.monotonic()
    part()
    print('%s: %.1f s' % (part.__name__, time.monotonic() - began), file=sys.stderr)
