/*
 * A disk with faults and a clock that is wrong, put before a program by LD_PRELOAD. SHIM names a control file of lines "KEY VALUE"; it is
 * read at start, and again whenever it has been replaced, which also starts the counting anew:
 *
 *   under PREFIX        files whose path begins so are concerned, no others
 *   delay MS            each sync takes so much longer
 *   hold 1              syncs wait until another control file says otherwise
 *   shadow FOLDER       what has been synced is copied there: all that a power cut would leave
 *   sync N M ERRNO      the N-th to the M-th sync fail (fsync, fdatasync); M 0 stands for ever,
 *                       ERRNO 0 for a success that is reported all the same
 *   write N M ERRNO     so do the N-th to the M-th change (write, pwrite, ftruncate, unlink, rename)
 *   ahead S             the wall clock is so many seconds ahead; what waits are measured by is left alone
 *
 * Each failure and each sync held is a line in SHIM.log: seconds (CLOCK_MONOTONIC), key, count, path. Modelled is "all that was not synced is lost", file by
 * file; torn and reordered sectors are not.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

struct failure {
	long first, last;
	int error;
	long count;
};

static struct {
	char under[PATH_MAX], shadow[PATH_MAX];
	long delay, hold, ahead;
	struct failure sync, change;
	struct stat control;
} disk;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Read the control file if it is another one than last time; the mutex is held. */
static void look(void)
{
	const char *control = getenv("SHIM");
	char key[16], value[PATH_MAX + 64];
	struct stat found;
	FILE *file;

	if (!control || stat(control, &found) != 0)
		return;
	if (found.st_ino == disk.control.st_ino && found.st_mtim.tv_nsec == disk.control.st_mtim.tv_nsec)
		return;
	file = fopen(control, "re");
	if (!file)
		return;
	memset(&disk, 0, sizeof disk);
	disk.control = found;
	while (fscanf(file, "%15s %4159[^\n]", key, value) == 2) {
		struct failure *failure = strcmp(key, "sync") == 0 ? &disk.sync : &disk.change;

		if (strcmp(key, "under") == 0)
			snprintf(disk.under, sizeof disk.under, "%s", value);
		else if (strcmp(key, "shadow") == 0)
			snprintf(disk.shadow, sizeof disk.shadow, "%s", value);
		else if (strcmp(key, "delay") == 0)
			disk.delay = atol(value);
		else if (strcmp(key, "hold") == 0)
			disk.hold = atol(value);
		else if (strcmp(key, "ahead") == 0)
			disk.ahead = atol(value);
		else if (strcmp(key, "sync") == 0 || strcmp(key, "write") == 0)
			sscanf(value, "%ld %ld %d", &failure->first, &failure->last, &failure->error);
	}
	fclose(file);
}

static void report(const char *what, long count, const char *path)
{
	char name[PATH_MAX], line[PATH_MAX + 64];
	struct timespec now;
	int length, log;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(name, sizeof name, "%s.log", getenv("SHIM"));
	length = snprintf(line, sizeof line, "%ld.%09ld %s %ld %s\n", now.tv_sec, now.tv_nsec, what,
			  count, path);
	log = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (log < 0)
		return;
	syscall(SYS_write, log, line, length);
	close(log);
}

/* Tell whether a path is concerned. */
static int concerns(const char *path)
{
	size_t length = strlen(disk.under);

	return length > 0 && strncmp(path, disk.under, length) == 0;
}

static int path_of(int fd, char *path)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	path[length < 0 ? 0 : length] = 0;
	return length > 0;
}

/* Count one operation, and return the errno it is to fail with, or 0; the mutex is held. */
static int due(struct failure *failure, const char *what, const char *path)
{
	if (!failure->first)
		return 0;
	failure->count++;
	if (failure->count < failure->first || (failure->last && failure->count > failure->last))
		return 0;
	report(what, failure->count, path);
	return failure->error;
}

static int change_fails(int fd, const char *path)
{
	char found[PATH_MAX];
	int error = 0;

	if (!getenv("SHIM"))
		return 0;
	pthread_mutex_lock(&mutex);
	look();
	if (disk.change.first && (path || path_of(fd, found)) && concerns(path ? path : found))
		error = due(&disk.change, "write", path ? path : found);
	pthread_mutex_unlock(&mutex);
	errno = error ? error : errno;
	return error != 0;
}

/* --- what a power cut leaves; the mutex is held, so that one copy is made at a time */

/* The descriptor that was synced is read: to open and close the file would give up SQLite's locks on it. */
static void copy(int from, const char *shadow)
{
	static char buffer[1 << 16];
	char draft[PATH_MAX + 8];
	off_t at = 0;
	ssize_t length;
	int to;

	snprintf(draft, sizeof draft, "%s.draft", shadow);
	to = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while ((length = pread(from, buffer, sizeof buffer, at)) > 0) {
		if (syscall(SYS_write, to, buffer, length) != length)
			abort(); /* better no test than one that believes too much lost */
		at += length;
	}
	if (length < 0)
		abort();
	close(to);
	if (syscall(SYS_rename, draft, shadow) != 0)
		abort();
}

/* A folder was synced: what was removed from it is gone for good. */
static void forget(const char *folder)
{
	char path[PATH_MAX + NAME_MAX + 2], shadow[PATH_MAX + NAME_MAX + 2];
	DIR *kept = opendir(disk.shadow);
	struct dirent *entry;

	while (kept && (entry = readdir(kept))) {
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		snprintf(shadow, sizeof shadow, "%s/%s", disk.shadow, entry->d_name);
		if (entry->d_name[0] != '.' && access(path, F_OK) != 0)
			syscall(SYS_unlink, shadow);
	}
	if (kept)
		closedir(kept);
}

static void keep(int fd, const char *path)
{
	char shadow[2 * PATH_MAX];
	struct stat found;

	if (!disk.shadow[0] || stat(path, &found) != 0)
		return;
	snprintf(shadow, sizeof shadow, "%s/%s", disk.shadow, strrchr(path, '/') + 1);
	if (S_ISDIR(found.st_mode))
		forget(path);
	else if (concerns(path))
		copy(fd, shadow);
}

/* --- syncs */

static void pass(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) != 0)
		;
}

static int synced(int fd, int (*real)(int))
{
	char path[PATH_MAX];
	int error, held = 0;
	long delay;

	if (!getenv("SHIM") || !path_of(fd, path))
		return real(fd);
	pthread_mutex_lock(&mutex);
	look();
	while (disk.hold && concerns(path)) {
		if (!held++)
			report("held", 0, path);
		pthread_mutex_unlock(&mutex);
		pass(10);
		pthread_mutex_lock(&mutex);
		look();
	}
	error = concerns(path) ? due(&disk.sync, "sync", path) : 0;
	delay = concerns(path) ? disk.delay : 0;
	pthread_mutex_unlock(&mutex);
	pass(delay);
	if (error) {
		errno = error;
		return -1;
	}
	if (real(fd) != 0)
		return -1;
	pthread_mutex_lock(&mutex);
	keep(fd, path);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int fsync(int fd)
{
	return synced(fd, REAL(fsync));
}

int fdatasync(int fd)
{
	return synced(fd, REAL(fdatasync));
}

/* --- changes */

ssize_t write(int fd, const void *data, size_t size)
{
	return change_fails(fd, NULL) ? -1 : syscall(SYS_write, fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
	return change_fails(fd, NULL) ? -1 : REAL(pwrite)(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at)
{
	return change_fails(fd, NULL) ? -1 : REAL(pwrite64)(fd, data, size, at);
}

int ftruncate(int fd, off_t size)
{
	return change_fails(fd, NULL) ? -1 : REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return change_fails(fd, NULL) ? -1 : REAL(ftruncate64)(fd, size);
}

int unlink(const char *path)
{
	return change_fails(-1, path) ? -1 : REAL(unlink)(path);
}

int rename(const char *from, const char *to)
{
	return change_fails(-1, from) ? -1 : REAL(rename)(from, to);
}

/* --- the clock; Python asks in this way alone */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = REAL(clock_gettime)(clock, now);

	if (!failed && clock == CLOCK_REALTIME && getenv("SHIM")) {
		pthread_mutex_lock(&mutex);
		look();
		now->tv_sec += disk.ahead;
		pthread_mutex_unlock(&mutex);
	}
	return failed;
}
