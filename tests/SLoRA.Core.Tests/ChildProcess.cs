using System.Diagnostics;
using NUnit.Framework;

namespace SLoRA.Core.Tests;

/// <summary>
/// Runs a static method of the test program in a process of its own: for what a process can have once only, such as its driver.
/// </summary>
internal static class ChildProcess
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>Runs the method; fails the test unless it returns.</summary>
    /// <param name="method">A static method without parameters.</param>
    /// <param name="environment">Variables of the process, over those of this one.</param>
    /// <returns>What it wrote to its output.</returns>
    public static string Run(Delegate method, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        using Process process = Start(method, environment);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{method.Method.Name} did not end within {Limit}: {output.Result}{error.Result}");
        }

        Assert.That(process.ExitCode, Is.Zero, () => $"{method.Method.Name}: {output.Result}{error.Result}");
        return output.Result;
    }

    /// <summary>Runs the method until it writes a line, and kills its process then; fails the test if it never does.</summary>
    public static void KillAt(string line, Delegate method, params ReadOnlySpan<(string Name, string Value)> environment)
    {
        using Process process = Start(method, environment);
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<bool> hasCome = Task.Run(() =>
        {
            while (process.StandardOutput.ReadLine() is { } written)
            {
                if (written == line)
                {
                    return true;
                }
            }

            return false;
        });
        bool isInTime = hasCome.Wait(Limit);
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        Assert.That(isInTime && hasCome.Result, Is.True, () => $"{method.Method.Name} has not written {line}: {error.Result}");
    }

    private static Process Start(Delegate method, ReadOnlySpan<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "exec", typeof(ChildProcess).Assembly.Location, method.Method.DeclaringType!.FullName!, method.Method.Name },
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
