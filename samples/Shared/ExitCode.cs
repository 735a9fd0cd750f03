namespace Samples;

/// <summary>What the process ends with; a signal ends it with 128 + its number.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failure = 1;
    public const int Usage = 2;
}
