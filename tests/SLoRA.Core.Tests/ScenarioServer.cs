using System.Reflection;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace SLoRA.Core.Tests;

/// <summary>Both sides of what <see cref="ScenarioProcess"/> and its process say to each other: lines of text.</summary>
internal static partial class ScenarioServer
{
    private const char Separator = '\t';
    private const string Returned = "\u0001returned";
    private const string Failed = "\u0001failed";

    /// <summary>Asks for a scenario: a few methods, one after the other.</summary>
    public static void Ask(
        TextWriter input, MethodInfo[] scenario, ReadOnlySpan<(string Name, string Value)> variables)
    {
        List<string> words = [.. scenario.Select(method => $"{method.DeclaringType!.FullName}:{method.Name}")];
        foreach ((string name, string value) in variables)
        {
            words.Add($"{name}={value}");
        }

        input.WriteLine(string.Join(Separator, words));
        input.Flush();
    }

    /// <summary>What the scenario has written, and whether it has returned.</summary>
    public static (bool HasReturned, string Output) ReadAnswer(TextReader output)
    {
        var text = new StringWriter();
        while (output.ReadLine() is { } line)
        {
            if (line is Returned or Failed)
            {
                return (line == Returned, text.ToString());
            }

            text.WriteLine(line);
        }

        return (false, text.ToString());
    }

    /// <summary>Runs scenarios as they are asked for.</summary>
    public static void Serve()
    {
        while (Console.In.ReadLine() is { } asked)
        {
            string[] words = asked.Split(Separator);
            string[][] methods = [.. words.Where(word => !word.Contains('=')).Select(word => word.Split(':'))];
            (string Name, string Value)[] variables =
                [.. words[methods.Length..].Select(word => word.Split('=', 2)).Select(pair => (pair[0], pair[1]))];
            foreach ((string name, string value) in variables)
            {
                Set(name, value);
            }

            bool hasReturned = methods.All(method => ChildProgram.Run(method[0], method[1]));
            foreach ((string name, _) in variables)
            {
                Set(name, null);
            }

            // What nobody refers to any longer must not speak to a driver in the next one's time.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Console.WriteLine(hasReturned ? Returned : Failed);
        }
    }

    /// <summary>For this runtime, and for native code, which has an environment of its own.</summary>
    private static void Set(string name, string? value)
    {
        Environment.SetEnvironmentVariable(name, value);
        Assert.That(value is null ? Unset(name) : SetNative(name, value, 1), Is.Zero);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNative(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unset(string name);
}
