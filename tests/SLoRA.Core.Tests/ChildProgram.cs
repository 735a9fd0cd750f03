using System.Reflection;

namespace SLoRA.Core.Tests;

/// <summary>
/// The entry point of the test program when it is started by <see cref="ChildProcess"/> or <see cref="ScenarioProcess"/>: runs one static
/// method.
/// </summary>
internal static class ChildProgram
{
    public static int Main(string[] args) => Run(args[0], args[1]) ? 0 : 1;

    /// <summary>Runs a method; writes why it does not return.</summary>
    public static bool Run(string type, string name)
    {
        try
        {
            MethodInfo method = typeof(ChildProgram).Assembly.GetType(type, throwOnError: true)!
                .GetMethod(name, BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
            (method.Invoke(null, null) as Task)?.GetAwaiter().GetResult();
            return true;
        }
        catch (Exception error)
        {
            Console.WriteLine((error as TargetInvocationException)?.InnerException ?? error);
            return false;
        }
    }
}
