namespace SLoRA.Core.Tests.Architecture.Used
{
    internal class ByBase;

    internal sealed class ByField;

    internal static class ByBody
    {
        public static int Value() => 1;
    }

    internal static class ByLambda
    {
        public static int Value() => 2;
    }

    internal sealed class ByHandler : Exception;

    internal sealed class ByArgument;
}

namespace SLoRA.Core.Tests.Architecture.Users
{
    internal sealed class InBase : Used.ByBase;

    internal sealed class InField
    {
        public Used.ByField? Field { get; set; }
    }

    internal static class InBody
    {
        public static int Value() => Used.ByBody.Value();
    }

    internal static class InLambda
    {
        public static Func<int> Value() => () => Used.ByLambda.Value();
    }

    internal static class InHandler
    {
        public static void Run(Action action)
        {
            try
            {
                action();
            }
            catch (Used.ByHandler)
            {
                action();
            }
        }
    }

    internal static class InArgument
    {
        public static object Make() => new List<Used.ByArgument>();
    }
}
