# Checks how large LIBRARY is, stripped by STRIP to STRIPPED: at most 2 MB.
set(limit 2000000)
execute_process(COMMAND ${STRIP} -o ${STRIPPED} ${LIBRARY}
                COMMAND_ERROR_IS_FATAL ANY)
file(SIZE ${STRIPPED} size)
message("${size} bytes of ${limit}")
if(size GREATER limit)
  message(FATAL_ERROR "the stripped library is larger than ${limit} bytes")
endif()
