#!/usr/bin/perl
# Does what qedge's units ask of systemd: holds the listening socket from start to end, runs a command before each start,
# restarts what ends, kills a start that is not ready in time, and takes the process that its child names for its main
# one from then on. Says on standard output what happens, one line each.
#
#   supervisor.pl SOCKETS START_TIMEOUT_S DIRECTORY PRE_COMMAND -- PROGRAM ARGUMENTS…
#
# SOCKETS: how many listen on the port, one for each event loop (ReusePort=yes).
# SIGUSR1 restarts (systemctl restart), SIGUSR2 goes to the main process; SIGTERM stops and ends.

use strict;
use warnings;
use Fcntl qw(F_DUPFD);
use IO::Select;
use POSIX qw(:sys_wait_h);
use Socket;

# Orphans become children of this process, as they become children of PID 1: PR_SET_CHILD_SUBREAPER.
syscall((POSIX::uname())[4] eq 'aarch64' ? 167 : 157, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";

my ($sockets, $start_timeout, $directory, $pre) = splice @ARGV, 0, 4;
shift @ARGV;
$| = 1;

my ($bound, @listeners) = (0);
for (1 .. $sockets) {
  socket(my $listener, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
  setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
  setsockopt($listener, SOL_SOCKET, SO_REUSEPORT, 1) if $sockets > 1;
  bind($listener, sockaddr_in($bound, inet_aton('127.0.0.1'))) or die "bind: $!";
  listen($listener, 4096) or die "listen: $!";
  ($bound) = sockaddr_in(getsockname($listener));
  push @listeners, $listener;
}

my $notify_path = "$directory/notify";
unlink $notify_path;
socket(my $notify, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($notify, sockaddr_un($notify_path)) or die "bind: $!";

my ($child, $group, $deadline, $stopping, $restarting) = (0, 0, 0, 0, 0);
$SIG{TERM} = sub { $stopping = 1; kill 'TERM', $child if $child; };
$SIG{USR1} = sub { $restarting = 1; };
$SIG{USR2} = sub { kill 'USR2', $child if $child; };
print "listening $bound\n";

$ENV{NOTIFY_SOCKET} = $notify_path;
$ENV{STATE_DIRECTORY} = "$directory/state";
my $select = IO::Select->new($notify);
my $next_start = 0;

while (1) {
  if ($restarting && $child) { kill 'TERM', $child; $restarting = 0; }
  if (!$child && $stopping) { exit 0; }
  start() if !$child && time >= $next_start;
  if ($select->can_read(0.05)) {
    recv($notify, my $message, 65536, 0);
    $deadline = 0 if $message =~ /^READY=1/m;
    $child = $1 if $message =~ /^MAINPID=(\d+)/m;
    $message =~ s/\n/ /g;
    print "notify $message\n";
  }
  if ($child && $deadline && time > $deadline) { print "start timed out\n"; kill 'KILL', $child; $deadline = 0; }
  while ((my $gone = waitpid(-1, WNOHANG)) > 0) {
    my $how = $? & 127 ? 'signal ' . ($? & 127) : 'status ' . ($? >> 8);
    if ($gone != $child) { print "left $gone $how\n"; next; }
    print "ended $how\n";
    # KillMode=mixed: no process outlives the main process.
    kill 'KILL', -$group;
    $child = 0;
    $next_start = $restarting ? 0 : time + 0;
  }
}

sub start {
  system('/bin/sh', '-c', $pre) if $pre ne '';
  $child = fork // die "fork: $!";
  if ($child == 0) {
    setpgrp(0, 0);
    # 3 is where inherited sockets begin; what dup2 made stays open over exec.
    my @high = map { fcntl($_, F_DUPFD, 100) } @listeners;
    POSIX::dup2($high[$_], 3 + $_) for 0 .. $#high;
    POSIX::close($_) for @high;
    @ENV{qw(LISTEN_PID LISTEN_FDS LISTEN_FDNAMES)} = ($$, $sockets, join ':', ('proxy') x $sockets);
    open(STDOUT, '>>', "$directory/service.log");
    exec @ARGV or die "exec: $!";
  }
  setpgrp($child, $child);
  $group = $child;
  $deadline = time + $start_timeout;
  print "started $child\n";
}
