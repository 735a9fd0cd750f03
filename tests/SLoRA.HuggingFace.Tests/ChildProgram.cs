using System.Reflection;

namespace SLoRA.HuggingFace.Tests;

/// <summary>The entry point of the test program when it is started by <see cref="ChildProcess"/>: runs one static method.</summary>
internal static class ChildProgram
{
    public static async Task<int> Main(string[] args)
    {
        try
        {
            MethodInfo method = typeof(ChildProgram).Assembly.GetType(args[0], throwOnError: true)!
                .GetMethod(args[1], BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!;
            await (Task)method.Invoke(null, [args[2..]])!;
            return 0;
        }
        catch (Exception error)
        {
            Console.WriteLine((error as TargetInvocationException)?.InnerException ?? error);
            return 1;
        }
    }
}
