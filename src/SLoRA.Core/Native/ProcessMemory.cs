using System.Globalization;
using System.Runtime.InteropServices;

namespace SLoRA.Native;

/// <summary>
/// How much memory outside the garbage-collected heap the process can ever have: what the machine has, or the control group if it allows
/// less. The garbage collector's own limit (<c>GCHeapHardLimit</c>, in containers three quarters of theirs) is no limit of it.
/// </summary>
internal static unsafe partial class ProcessMemory
{
    private static readonly Lazy<(long Bytes, string By)> _limit = new(() => Find("/"));

    /// <summary>Bytes; <see cref="long.MaxValue"/> where the system does not say.</summary>
    public static long Limit => _limit.Value.Bytes;

    /// <summary>What sets the limit, for people.</summary>
    public static string LimitedBy => _limit.Value.By;

    /// <summary>Looks for the limit.</summary>
    /// <param name="root">The file system's root, on Linux.</param>
    public static (long Bytes, string By) Find(string root)
    {
        (long, string) machine = (MachineBytes(root), "the machine's memory");
        if (!OperatingSystem.IsLinux())
        {
            return machine;
        }

        long group = ControlGroupBytes(root);
        return group < machine.Item1 ? (group, "the limit of its control group") : machine;
    }

    private static long MachineBytes(string root)
    {
        try
        {
            if (OperatingSystem.IsLinux())
            {
                // MemTotal:       24689764 kB
                string? line = Lines(Path.Combine(root, "proc/meminfo"))
                    .FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal));
                return line is not null
                    && long.TryParse(line.AsSpan(9).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture, out long kilobytes)
                    ? kilobytes << 10
                    : long.MaxValue;
            }

            if (OperatingSystem.IsWindows())
            {
                var status = new MemoryStatus { Length = (uint)sizeof(MemoryStatus) };
                return GlobalMemoryStatusEx(&status) != 0 ? (long)status.TotalPhysical : long.MaxValue;
            }

            if (OperatingSystem.IsMacOS())
            {
                long bytes;
                nuint size = sizeof(long);
                return SystemControl("hw.memsize", &bytes, &size, null, 0) == 0 ? bytes : long.MaxValue;
            }
        }
        catch (Exception exception) when (exception is DllNotFoundException or EntryPointNotFoundException)
        {
            // A system of the same name without the function.
        }

        return long.MaxValue;
    }

    /// <summary>
    /// The smallest limit of the process's control group and of those above it: version 2 of control groups, and version 1.
    /// </summary>
    private static long ControlGroupBytes(string root)
    {
        string groups = Path.Combine(root, "sys/fs/cgroup");
        long limit = long.MaxValue;
        foreach (string line in Lines(Path.Combine(root, "proc/self/cgroup")))
        {
            // 0::/system.slice/app.service, or 9:memory:/app
            string[] fields = line.Split(':', 3);
            if (fields.Length < 3)
            {
                continue;
            }

            bool isSecond = fields[0] == "0" && fields[1].Length == 0;
            if (!isSecond && !fields[1].Split(',').Contains("memory"))
            {
                continue;
            }

            string folder = isSecond ? groups : Path.Combine(groups, "memory");
            string file = isSecond ? "memory.max" : "memory.limit_in_bytes";

            // Inside a container the path may be that of the host, and what is there is the root.
            for (string path = fields[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                limit = Math.Min(limit, Number(Path.Combine(folder, path, file)));
                if (path.Length == 0)
                {
                    break;
                }
            }
        }

        return limit;
    }

    /// <summary>The number in a file; none is no limit, and neither is <c>max</c>.</summary>
    private static long Number(string path)
        => Lines(path) is [string line, ..] && long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : long.MaxValue;

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [LibraryImport("kernel32.dll")]
    private static partial int GlobalMemoryStatusEx(MemoryStatus* status);

    [LibraryImport("libSystem.dylib", EntryPoint = "sysctlbyname", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SystemControl(string name, void* value, nuint* size, void* newValue, nuint newSize);

    /// <summary>MEMORYSTATUSEX.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MemoryStatus
    {
        public uint Length;
        public uint Load;
        public ulong TotalPhysical;
        public ulong AvailablePhysical;
        public ulong TotalPageFile;
        public ulong AvailablePageFile;
        public ulong TotalVirtual;
        public ulong AvailableVirtual;
        public ulong AvailableExtendedVirtual;
    }
}
